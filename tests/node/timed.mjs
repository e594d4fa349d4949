// Knows how to run real BullMQ jobs on a fixed timetable, the work a timer:
//   node timed.mjs work REDIS_URL QUEUE CONCURRENCY   a worker process: `ready`; ends when its stdin does
//   node timed.mjs add REDIS_URL QUEUE PLAN.json      `warm`, then at a line on stdin adds [[second, ms of work], …]; `done` when all is done
//   node timed.mjs tick MILLISECONDS                  an idle program; answers a line on stdin with how late it was at most since the last
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const { Queue, Worker } = createRequire(import.meta.url)('bullmq5')
const WARM_UP = Array.from({ length: 300 }, (_, index) => [index * 0.003, 1])

const connectionOf = url => ({ host: new URL(url).hostname, port: Number(new URL(url).port), maxRetriesPerRequest: null })

async function work(url, name, concurrency) {
  const options = { connection: connectionOf(url), concurrency: Number(concurrency) }
  const worker = new Worker(name, job => pause(job.data.ms), options)
  await worker.waitUntilReady()
  console.log('ready')
  await once(process.stdin.resume(), 'end')
  await worker.close()
}

async function add(url, name, file) {
  const queue = new Queue(name, { connection: connectionOf(url), defaultJobOptions: { removeOnComplete: true } })
  await queue.waitUntilReady()
  await play(queue, WARM_UP) // compiling is over before anything is timed
  console.log('warm')
  await once(process.stdin, 'data')
  await play(queue, JSON.parse(readFileSync(file, 'utf8')))
  console.log('done')
  process.stdin.destroy()
  await queue.close()
}

async function play(queue, plan) {
  const began = performance.now()
  const sent = []
  for (const [second, ms] of plan) {
    const early = began + second * 1000 - performance.now()
    if (early >= 1) await pause(early)
    sent.push(queue.add('timed', { ms }))
  }
  await Promise.all(sent)
  while (await queue.getJobCountByTypes('waiting', 'active')) await pause(20)
}

function tick(milliseconds) {
  let latest = 0
  let due = performance.now() + Number(milliseconds)
  const timer = setInterval(() => {
    latest = Math.max(latest, performance.now() - due)
    due = performance.now() + Number(milliseconds)
  }, Number(milliseconds))
  createInterface({ input: process.stdin })
    .on('line', () => {
      console.log(`late ${latest.toFixed(1)}`)
      latest = 0
    })
    .on('close', () => clearInterval(timer))
}

const [mode, ...rest] = process.argv.slice(2)
await { work, add, tick }[mode](...rest)
