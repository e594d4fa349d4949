// Lets one library do jobs that stay in Redis when they end, and says what happened:
//   node kept.mjs LIBRARY REDIS_URL PREFIX QUEUE
// Jobs fail as planned (none, once, twice, for good), some are delayed at first. One line of JSON at the end.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { openLibrary } from './libraries.mjs'

const [libraryName, url, prefix, name] = process.argv.slice(2)
const JOBS = 40
const ATTEMPTS = 3
const WORK_MS = 20

const library = openLibrary(libraryName, url, prefix)
const producer = library.producer(name)
await library.ready(producer)
library.scheduler?.(name, () => {})

const seen = { attempts: 0, failedAttempts: 0, failedJobs: 0, completed: 0, seconds: [] }
const tries = new Map()
let ended = 0
let allEnded
const end = new Promise(resolve => (allEnded = resolve))

async function handle(job) {
  const began = performance.now()
  const attempt = (tries.get(job.id) ?? 0) + 1
  tries.set(job.id, attempt)
  await pause(WORK_MS * (1 + (Number(job.data.number) % 4)))
  seen.attempts += 1
  seen.seconds.push((performance.now() - began) / 1000)
  if (attempt <= job.data.fails) {
    seen.failedAttempts += 1
    throw new Error('as planned')
  }
}

await library.worker(
  name,
  handle,
  (event, job) => {
    if (event === 'error') return
    const isLast = event === 'completed' || (tries.get(job?.id) ?? 0) >= ATTEMPTS
    if (!isLast) return
    seen[event === 'completed' ? 'completed' : 'failedJobs'] += 1
    ended += 1
    if (ended === JOBS) allEnded()
  },
  { concurrency: 2 },
)
const added = []
for (let number = 0; number < JOBS; number += 1) {
  const options = { attempts: ATTEMPTS, backoff: { type: 'fixed', delay: 50 }, delay: number % 8 === 7 ? 300 : undefined }
  added.push((Date.now() + (options.delay ?? 0)) / 1000)
  await producer.add('work', { number, fails: [0, 0, 0, 1, 0, 2, 0, 3][number % 8], text: 'x'.repeat(300) }, options)
  await pause(30)
}
await end
await pause(200) // the library writes the last end after it told of it
console.log(JSON.stringify({ ...seen, added }))
process.stdin.resume()
await once(process.stdin, 'end')
process.exit(0)
