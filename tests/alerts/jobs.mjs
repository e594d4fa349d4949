// Knows how to keep real BullMQ queues busy as a drill wants:
//   node jobs.mjs work REDIS_URL QUEUE CONCURRENCY   a worker process: `ready`, then works until it is killed
//   node jobs.mjs add REDIS_URL                      reads lines such as {"queue": "email", "every": 500, "jobs": 1, "ms": 5, "fail": 0.2}:
//                                                    from then on every 500 ms one job of 5 ms, of which a fifth fails for good;
//                                                    {"queue": "email", "delete": true} takes the queue away; answers `done QUEUE`
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const { Queue, Worker } = createRequire(new URL('../node/', import.meta.url))('bullmq5')
const MOST_UNANSWERED = 20 // what a client would keep for a Redis that is away would come as one burst

// The library waits for up to 20 s before it connects again; in a drill that is 20 minutes.
const connectionOf = url => ({
  host: new URL(url).hostname,
  port: Number(new URL(url).port),
  maxRetriesPerRequest: null,
  retryStrategy: () => 200,
})

async function work(url, name, concurrency) {
  const options = { connection: connectionOf(url), concurrency: Number(concurrency), lockDuration: 2000, stalledInterval: 2000 }
  const worker = new Worker(name, handle, options)
  worker.on('error', () => undefined)
  await worker.waitUntilReady()
  console.log('ready')
}

async function handle(job) {
  await pause(job.data.ms)
  if (job.data.fail) throw new Error('this one fails')
}

/** One queue and the timer that fills it. Failures are spread evenly, so that any stretch holds its share. */
class Source {
  constructor(url, name) {
    this.queue = new Queue(name, { connection: connectionOf(url) })
    this.queue.on('error', () => undefined)
    this.unanswered = 0
    this.owed = 0
  }

  set({ every, jobs = 1, ms, fail = 0 }) {
    clearInterval(this.timer)
    this.timer = setInterval(() => this.add(jobs, ms, fail), every)
  }

  async add(jobs, ms, fail) {
    if (this.unanswered >= MOST_UNANSWERED) return
    this.unanswered += 1
    const opts = { removeOnComplete: true, removeOnFail: true }
    await this.queue.addBulk(Array.from({ length: jobs }, () => ({ name: 'job', data: { ms, fail: this.next(fail) }, opts })))
    this.unanswered -= 1
  }

  next(fail) {
    this.owed += fail
    if (this.owed < 1) return false
    this.owed -= 1
    return true
  }

  async delete() {
    clearInterval(this.timer)
    await this.queue.obliterate({ force: true })
    await this.queue.close()
  }
}

function add(url) {
  const sources = new Map()
  createInterface({ input: process.stdin }).on('line', async line => {
    const wanted = JSON.parse(line)
    if (!sources.has(wanted.queue)) sources.set(wanted.queue, new Source(url, wanted.queue))
    const source = sources.get(wanted.queue)
    if (wanted.delete) {
      sources.delete(wanted.queue)
      await source.delete()
    } else source.set(wanted)
    console.log(`done ${wanted.queue}`)
  })
}

const [mode, ...rest] = process.argv.slice(2)
await { work, add }[mode](...rest)
