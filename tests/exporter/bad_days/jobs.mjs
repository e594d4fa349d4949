// Knows how to do real BullMQ jobs on any kind of Redis: a server, one behind Sentinel, a cluster.
//   node jobs.mjs '{"redis": {…} | "cluster": [{host, port}…], "prefix": "bull", "queues": ["a"], "ms": 1}'
// Each line on stdin adds so many jobs to each queue; `finished N` is written when N jobs of all queues are done.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const load = createRequire(new URL('../../node/package.json', import.meta.url))
const { Queue, Worker } = load('bullmq5')
const { Cluster } = load('ioredis')

const plan = JSON.parse(process.argv[2])
const options = { maxRetriesPerRequest: null, retryStrategy: () => 100 }
const connect = () =>
  plan.cluster
    ? new Cluster(plan.cluster, { clusterRetryStrategy: () => 100, redisOptions: { maxRetriesPerRequest: null } })
    : { ...plan.redis, ...options }
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const quiet = emitter => emitter.on('error', () => undefined)

let finished = 0
const queues = []
for (const name of plan.queues) {
  const own = { connection: connect(), prefix: plan.prefix ?? 'bull' }
  const queue = quiet(new Queue(name, { ...own, streams: { events: { maxLen: plan.maxLen ?? 10000 } } }))
  const handle = job => (plan.ms ? pause(plan.ms).then(() => job.name) : Promise.resolve(job.name))
  const worker = quiet(
    new Worker(name, handle, { ...own, connection: connect(), concurrency: plan.concurrency ?? 5, drainDelay: 1 }),
  )
  worker.on('completed', () => console.log(`finished ${++finished}`))
  await queue.waitUntilReady()
  await worker.waitUntilReady()
  queues.push(queue)
}
console.log('working')

for await (const line of createInterface({ input: process.stdin })) {
  const jobs = Array.from({ length: Number(line) }, () => ({
    name: 'send',
    data: {},
    opts: { removeOnComplete: true, attempts: 1 },
  }))
  await Promise.all(queues.map(queue => queue.addBulk(jobs)))
}
process.exit(0)
