// Knows how to run real BullMQ jobs on workers that may be killed, and flows whose parents wait for children:
//   node crashing.mjs work REDIS_URL QUEUE CONCURRENCY OPTIONS   `loaded`; at a line on stdin takes jobs
//   node crashing.mjs add REDIS_URL PLAN.json     `ready`, then at a line adds {queue: [[second, ms, [ms of children]], …]}; `done`
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

const { FlowProducer, Queue, Worker } = createRequire(import.meta.url)('bullmq5')

const connectionOf = url => ({ host: new URL(url).hostname, port: Number(new URL(url).port), maxRetriesPerRequest: null })

async function work(url, name, concurrency, options) {
  console.log('loaded')
  await once(process.stdin, 'data')
  new Worker(name, job => pause(job.data.ms), { connection: connectionOf(url), concurrency: Number(concurrency), ...JSON.parse(options) })
}

async function add(url, file) {
  const flows = new FlowProducer({ connection: connectionOf(url) })
  const plan = JSON.parse(readFileSync(file, 'utf8'))
  const queues = Object.keys(plan).map(name => new Queue(name, { connection: connectionOf(url) }))
  await Promise.all([flows.waitUntilReady(), ...queues.map(queue => queue.waitUntilReady())])
  console.log('ready')
  await once(process.stdin, 'data')
  const began = performance.now()
  await Promise.all(queues.map(queue => play(queue, plan[queue.name], began, flows)))
  console.log('done')
  process.exit()
}

async function play(queue, steps, began, flows) {
  const sent = []
  for (const [second, ms, children] of steps) {
    const early = began + second * 1000 - performance.now()
    if (early >= 1) await pause(early)
    sent.push(flows.add(flowOf(queue.name, ms, children)))
  }
  await Promise.all(sent)
  while (await queue.getJobCountByTypes('waiting', 'active', 'waiting-children')) await pause(50)
}

const flowOf = (queueName, ms, children = []) => ({
  name: 'timed',
  queueName,
  data: { ms },
  opts: { removeOnComplete: true },
  children: children.map(each => flowOf(queueName, each)),
})

const [mode, ...rest] = process.argv.slice(2)
await { work, add }[mode](...rest)
