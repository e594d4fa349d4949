// Knows how Bull 3 and 4 and BullMQ 1 to 6 differ for somebody who uses them: constructors, options, names of events.
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

const connectionOf = url => {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname,
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    username: username || undefined,
    password: password || undefined,
    maxRetriesPerRequest: null,
  }
}

/** A Bull library behind the same few verbs as a BullMQ one. */
class BullLibrary {
  constructor(name, url, prefix) {
    this.family = 'bull'
    this.major = Number(name.slice(4))
    this.can = { flows: false, failParent: false, schedulers: false, manualLimit: false, postpone: false, waitForChildren: false }
    this.Bull = load(name)
    this.options = { redis: connectionOf(url), prefix }
  }

  producer(queue) {
    return new this.Bull(queue, this.options)
  }

  ready(producer) {
    return producer.isReady()
  }

  /** Work on `queue`; `on(event, job, error)` hears `completed` and `failed`. */
  async worker(queue, handle, on, { concurrency = 1, limiter, stalledInterval, lockDuration } = {}) {
    const settings = stalledInterval ? { stalledInterval, lockDuration, lockRenewTime: lockDuration / 2 } : undefined
    const worker = new this.Bull(queue, { ...this.options, limiter, settings })
    worker.on('error', error => on('error', undefined, error))
    worker.on('completed', job => on('completed', job))
    worker.on('failed', (job, error) => on('failed', job, error))
    worker.process('*', concurrency, job => handle(job)) // two parameters would mean a callback to Bull
    await worker.isReady()
    return worker
  }

  repeat(producer, name, data, every, limit, options) {
    return producer.add(name, data, { ...options, repeat: { every, limit } })
  }

  addMany(producer, jobs) {
    return producer.addBulk(jobs)
  }

  async unrecoverable(job) {
    await job.discard()
    return new Error('no use trying again')
  }
}

/** BullMQ, any major. */
class BullMQLibrary {
  constructor(name, url, prefix) {
    this.family = 'bullmq'
    this.major = Number(name.slice(6))
    this.can = {
      flows: true,
      failParent: this.major >= 3,
      schedulers: this.major >= 5,
      manualLimit: this.major >= 3,
      postpone: this.major >= 3,
      waitForChildren: this.major >= 3,
    }
    this.classes = load(name)
    this.options = { connection: connectionOf(url), prefix }
  }

  producer(queue) {
    return new this.classes.Queue(queue, this.options)
  }

  ready(producer) {
    return producer.waitUntilReady()
  }

  flows() {
    return new this.classes.FlowProducer(this.options)
  }

  events(queue) {
    return new this.classes.QueueEvents(queue, this.options)
  }

  /** BullMQ 1 moves delayed and stalled jobs in an object of its own; later majors do it in the worker. */
  scheduler(queue, on, { stalledInterval = 30000, maxStalledCount = 1 } = {}) {
    const { QueueScheduler } = this.classes
    if (!QueueScheduler) return undefined
    const scheduler = new QueueScheduler(queue, { ...this.options, stalledInterval, maxStalledCount })
    return scheduler.on('failed', (id, error) => on('failed', { id }, error))
  }

  async worker(queue, handle, on, options = {}) {
    const worker = new this.classes.Worker(queue, (job, token) => handle(job, token, worker), {
      ...this.options,
      concurrency: 1,
      drainDelay: 1,
      ...options,
    })
    worker.on('error', error => on('error', undefined, error))
    worker.on('completed', job => on('completed', job))
    worker.on('failed', (job, error) => on('failed', job, error))
    await worker.waitUntilReady()
    return worker
  }

  repeat(producer, name, data, every, limit, options) {
    if (this.can.schedulers) {
      return producer.upsertJobScheduler('tick', { every, limit }, { name, data, opts: options })
    }
    return producer.add(name, data, { ...options, repeat: { every, limit } })
  }

  addMany(producer, jobs) {
    return producer.addBulk(jobs)
  }

  async unrecoverable() {
    return new this.classes.UnrecoverableError('no use trying again')
  }

  async limit(worker, milliseconds) {
    await worker.rateLimit(milliseconds)
    return this.classes.Worker.RateLimitError()
  }

  async postpone(job, token, milliseconds) {
    await job.moveToDelayed(Date.now() + milliseconds, token)
    return new this.classes.DelayedError()
  }

  /** Give a job that runs a child of its own queue; it can then wait for it. */
  childOptions(job) {
    return { parent: { id: job.id, queue: job.queueQualifiedName } }
  }

  async waitForChildren(job, token) {
    if (!(await job.moveToWaitingChildren(token))) throw new Error('its child ended too early')
    return Object.assign(new Error('waits for its child'), { name: 'WaitingChildrenError' })
  }
}

export function openLibrary(name, url, prefix) {
  const Library = name.startsWith('bullmq') ? BullMQLibrary : BullLibrary
  return new Library(name, url, prefix)
}
