// One other way to have metrics of many queues: node peers.mjs PEER REDIS_URL QUEUES
// Writes {"ready": true}; then, for each line that it is told, reads all queues anew and writes {"ms", "samples"}, and
// where it was told "page" that page too.
import { createInterface } from 'node:readline'
import Bull from 'bull'
import * as bullProm from 'bull-prom'
import { Queue } from 'bullmq'
import Redis from 'ioredis'
import promClient from 'prom-client'

const [peer, url, count] = process.argv.slice(2)
const names = Array.from({ length: Number(count) }, (_, number) => `queue-${String(number).padStart(4, '0')}`)
const samplesIn = page => page.split('\n').filter(line => line && !line.startsWith('#')).length

// BullMQ's own exportPrometheusMetrics, all queues at once over one shared connection, as a page of an application.
function bullmq() {
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const queues = names.map(name => new Queue(name, { connection, skipMetasUpdate: true }))
  return async () => (await Promise.all(queues.map(queue => queue.exportPrometheusMetrics()))).join('\n')
}

// bull-prom asks each queue on a timer of its own; a reading is over when all answers are in its gauges.
function bullProm_() {
  const shared = new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false })
  const subscriber = new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false })
  const createClient = type => (type === 'subscriber' ? subscriber : shared)
  const queues = names.map(name => new Bull(name, { createClient }))
  return async () => {
    promClient.register.clear()
    const metric = bullProm.init({ promClient, interval: 1 })
    const answers = queues.map(queue => new Promise((resolve, reject) => {
      const ask = Bull.prototype.getJobCounts.bind(queue)
      queue.getJobCounts = () => {
        started.get(queue).stop()
        const answer = ask()
        answer.then(() => setImmediate(resolve), reject)
        return answer
      }
    }))
    const started = new Map(queues.map(queue => [queue, metric.start(queue)]))
    await Promise.all(answers)
    for (const queue of queues) queue.removeAllListeners('completed')
    return promClient.register.metrics()
  }
}

const read = { bullmq, 'bull-prom': bullProm_ }[peer]()
console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const began = process.hrtime.bigint()
  const page = await read()
  const ms = Number(process.hrtime.bigint() - began) / 1e6
  console.log(JSON.stringify({ ms, samples: samplesIn(page), ...(line === 'page' && { page }) }))
}
process.exit(0)
