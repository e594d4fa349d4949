// Knows one queue under test: adds jobs and works on them through the library, and notes what really happened.
import { note, now, pause, standStill } from './notes.mjs'

const STALLED = /stalled more than/

export class NotedQueue {
  constructor(library, name) {
    this.library = library
    this.name = name
    this.producer = library.producer(name)
    this.producer.on('error', () => undefined)
    this.workers = 0
    this.attempts = new Map()
    this.outcomes = new Map()
    this.ended = new Set()
    this.heard = []
  }

  noteAdded(job, before, after, fields = {}) {
    const due = job.opts.delay ? (job.timestamp + job.opts.delay) / 1000 : undefined
    note('added', { queue: this.name, job_id: String(job.id), job_type: job.name, before, after, due, ...fields })
  }

  async add(name, data, options = {}) {
    const before = now()
    const job = await this.producer.add(name, data, { removeOnComplete: true, ...options })
    this.noteAdded(job, before, now())
    return job
  }

  async addMany(jobs) {
    const filled = jobs.map(({ name, data, opts }) => ({ name, data, opts: { removeOnComplete: true, ...opts } }))
    const before = now()
    const added = await this.library.addMany(this.producer, filled)
    const after = now()
    for (const job of added) this.noteAdded(job, before, after)
  }

  /** Start one Worker object; its handler notes every attempt by itself. */
  async work(options) {
    this.schedule(options)
    const handle = (job, token, worker) => this.attempt(job, token, worker)
    const worker = await this.library.worker(this.name, handle, (...news) => this.hear(...news), options)
    this.workers += 1
    return worker
  }

  /** Start the object that moves delayed and stalled jobs, where the library wants one. */
  schedule(options) {
    this.scheduler ??= this.library.scheduler?.(this.name, (...news) => this.hear(...news), options)
  }

  async attempt(job, token, worker) {
    const id = String(job.id)
    const attempt = (this.attempts.get(id) ?? 0) + 1
    this.attempts.set(id, attempt)
    const started = now()
    await (job.data.hold ? this.held : pause(job.data.ms))
    const end = this.plannedEnd(job, attempt)
    this.outcomes.set(id, end.outcome)
    if (end.reason === 'waiting_children') await this.addChild(job)
    // Setting a rate limit is still work of the handler; Redis hears of the end when the handler has thrown.
    const reason = job.data.how === 'limit' ? await this.reasonToStop(job, token, worker, end) : undefined
    const ended = now()
    const fetched = job.processedOn / 1000
    note('attempt', { queue: this.name, job_type: job.name, job_id: id, attempt, fetched, started, ended, ...end })
    if (end.outcome !== 'completed') throw reason ?? (await this.reasonToStop(job, token, worker, end))
    return 'done'
  }

  /** What the plan in the job's data, the attempts allowed and the back-off make of this attempt. */
  plannedEnd({ data, opts }, attempt) {
    if (attempt > (data.fails ?? 0)) return { outcome: 'completed' }
    if (data.how === 'limit') return { outcome: 'requeued', reason: 'waiting' }
    if (data.how === 'ask') return { outcome: 'requeued', reason: 'waiting_children' }
    if (data.how === 'postpone') return { outcome: 'requeued', reason: 'delayed' }
    if (data.how === 'unrecoverable' || attempt >= (opts.attempts ?? 1)) return { outcome: 'failed' }
    return { outcome: 'requeued', reason: opts.backoff ? 'delayed' : 'waiting' }
  }

  reasonToStop(job, token, worker, { outcome }) {
    if (outcome === 'failed' && job.data.how === 'unrecoverable') return this.library.unrecoverable(job)
    if (outcome === 'requeued' && job.data.how === 'limit') return this.library.limit(worker, job.data.rest)
    if (outcome === 'requeued' && job.data.how === 'postpone') return this.leave(job, this.library.postpone(job, token, job.data.rest))
    if (outcome === 'requeued' && job.data.how === 'ask') return this.leave(job, this.library.waitForChildren(job, token))
    return new Error('as planned')
  }

  /** The handler itself has Redis take the job from it; it hears when that is done. */
  async leave(job, taken) {
    const reason = await taken
    note('left', { queue: this.name, job_id: String(job.id), at: now() })
    return reason
  }

  /** A child that will not have ended when its parent begins to wait for it. */
  addChild(job) {
    return this.add('child', { ms: 12 }, { delay: job.data.rest, ...this.library.childOptions(job) })
  }

  hear(event, job, error) {
    if (!job) return
    const id = String(job.id)
    note('left', { queue: this.name, job_id: id, at: now() })
    const stalled = event === 'failed' && STALLED.test(error?.message ?? '')
    if (event === 'failed' && !stalled && this.outcomes.get(id) === 'requeued') return
    this.markEnded(id, stalled ? 'stalled' : event)
  }

  markEnded(id, how) {
    if (!this.ended.has(id)) note('ended', { queue: this.name, job_id: id, how, at: now() })
    this.ended.add(id)
    for (const check of this.heard) check()
  }

  /** Wait until `count` jobs of this queue have ended for good. */
  finished(count) {
    return new Promise(resolve => {
      const check = () => this.ended.size >= count && resolve()
      this.heard.push(check)
      check()
    })
  }

  /** Make handlers of jobs with `hold` wait until the returned function is called. */
  hold() {
    let release
    this.held = new Promise(resolve => (release = resolve))
    return release
  }

  /** Stand still, be looked at, and only then ask the library: its counting removes markers in some majors. */
  async checkpoint(label) {
    await standStill(this.name, label, { workers: this.workers })
    const waiting = await this.listed('wait')
    const held = await this.listed('paused')
    const counts = await this.producer.getJobCounts()
    const paused = await this.producer.isPaused()
    note('counts', { queue: this.name, label, counts, paused, waiting, held })
  }

  /** The jobs that the library finds in a list, without markers, and how many of them have a priority. */
  async listed(state) {
    const jobs = (await this.producer.getJobs([state])).filter(Boolean)
    return { jobs: jobs.length, prioritised: jobs.filter(({ opts }) => opts.priority > 0).length }
  }
}
