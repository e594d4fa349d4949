// Real Bull 4 jobs that are kept: node bull_jobs.mjs REDIS_URL QUEUE; each line on stdin, a number, does so many.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const load = createRequire(import.meta.url)
const Bull = load('bull4')
const [url, name] = process.argv.slice(2)
const queue = new Bull(name, url)
await queue.isReady()
let ended = 0
let wanted = 0
queue.process('*', 5, async job => {
  await new Promise(resolve => setTimeout(resolve, 5 + (job.data.index % 20)))
  if (job.data.index % 10 === 0) throw new Error('no')
})
const count = () => { ended += 1; if (ended === wanted) console.log(`finished ${ended}`) }
queue.on('completed', count)
queue.on('failed', count)
queue.on('error', () => undefined)
console.log('working')
for await (const line of createInterface({ input: process.stdin })) {
  const jobs = Number(line)
  wanted += jobs
  for (let index = 0; index < jobs; index += 1) await queue.add(`type-${index % 2}`, { index })
}
