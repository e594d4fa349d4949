// Knows what is done with a queue in each scenario; how it is done is the library's business, what came of it is noted.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { note, now, pause } from './notes.mjs'
import { NotedQueue } from './queue.mjs'

const NAMES = ['send-email', 'make report', 'sync:data']
const HOUR = 3600_000
const QUICK_STALL = { lockDuration: 1200, stalledInterval: 500, maxStalledCount: 1 }

const pick = (random, list) => list[Math.floor(random() * list.length)]
/** Service times from `low` to `high` ms, evenly over the logarithm: short ones are many, long ones exist. */
const serviceTime = (random, low = 6, high = 200) => low * (high / low) ** random()
const times = (count, make) => Array.from({ length: count }, (_, index) => make(index))

/** What every library does at first, slowly: connect, load its scripts, compile. */
async function warmUp(queue) {
  await queue.work({ concurrency: 5 })
  await addAll(queue, times(20, () => ({ name: 'warm-up', data: { ms: 8 }, opts: {} })))
  await queue.finished(20)
}

const plainJob = random => ({ name: pick(random, NAMES), data: { ms: serviceTime(random) }, opts: {} })

async function addAll(queue, jobs) {
  for (const { name, data, opts } of jobs) await queue.add(name, data, opts)
}

async function plain(queue, { random }) {
  await queue.work({ concurrency: 5 })
  for (const { name, data, opts } of times(80, () => plainJob(random))) {
    await queue.add(name, data, opts)
    await pause(20 * random())
  }
  await queue.finished(80)
  await queue.checkpoint('end')
}

async function delayed(queue, { random }) {
  await queue.work({ concurrency: 5 })
  const delays = times(25, () => 30 + Math.floor(1500 * random()))
  await addAll(queue, delays.map(delay => ({ ...plainJob(random), opts: { delay } })))
  const early = await queue.add('early', { ms: 10 }, { delay: HOUR })
  const before = now()
  await early.promote()
  note('promoted', { queue: queue.name, job_id: String(early.id), before, after: now() })
  await queue.finished(26)
  await queue.checkpoint('end')
}

async function prioritised(queue, { random }) {
  const jobs = times(30, index => ({ ...plainJob(random), opts: index % 3 ? { priority: 1 + (index % 5) } : {} }))
  await addAll(queue, jobs)
  await queue.checkpoint('before')
  await queue.work({ concurrency: 3 })
  await queue.finished(30)
  await queue.checkpoint('end')
}

async function lifo(queue, { random }) {
  await addAll(queue, times(24, index => ({ ...plainJob(random), opts: { lifo: index % 2 === 1 } })))
  await queue.work({ concurrency: 3 })
  await queue.finished(24)
  await queue.checkpoint('end')
}

async function failing(queue, { random }) {
  await queue.work({ concurrency: 4 })
  const jobs = times(30, index => ({
    name: pick(random, NAMES),
    data: { ms: serviceTime(random), fails: index % 2, how: index % 6 === 1 ? 'unrecoverable' : undefined },
    opts: { attempts: index % 6 === 1 ? 5 : 1, removeOnFail: index % 4 === 3, removeOnComplete: index % 4 === 0 },
  }))
  await addAll(queue, jobs)
  await queue.finished(30)
  await queue.checkpoint('end')
}

async function retrying(queue, { random }) {
  await queue.work({ concurrency: 4 })
  const backoffs = [{ type: 'fixed', delay: 150 }, { type: 'exponential', delay: 60 }]
  const jobs = times(30, index => ({
    name: pick(random, NAMES),
    data: { ms: serviceTime(random, 8, 80), fails: 1 + (index % 3) },
    opts: { attempts: 3, backoff: backoffs[index % 2] },
  }))
  await addAll(queue, jobs)
  await queue.finished(30)
  await queue.checkpoint('end')
}

async function retryingAtOnce(queue, { random }) {
  await queue.work({ concurrency: 4 })
  const jobs = times(20, index => ({
    name: pick(random, NAMES),
    data: { ms: serviceTime(random, 8, 80), fails: 1 + (index % 3) },
    opts: { attempts: 3 },
  }))
  await addAll(queue, jobs)
  await queue.finished(20)
  await queue.checkpoint('end')
}

/** Start a worker process that goes wrong with `count` jobs; its notes come one after the other. */
function startVictim(queue, { libraryName, url, prefix }, count, ...more) {
  const script = fileURLToPath(new URL('victim.mjs', import.meta.url))
  const options = JSON.stringify({ ...QUICK_STALL, concurrency: count })
  const victim = spawn(process.execPath, [script, libraryName, url, prefix, queue.name, options, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const heard = []
  const news = new EventEmitter()
  createInterface({ input: victim.stdout }).on('line', line => {
    if (line.startsWith('{"note"')) heard.push(JSON.parse(line))
    news.emit('line')
  })
  /** The first `wanted` notes of a kind. */
  const hear = async (kind, wanted) => {
    const found = () => heard.filter(one => one.note === kind)
    while (found().length < wanted) await once(news, 'line')
    return found().slice(0, wanted)
  }
  return { victim, hear }
}

async function takenBy({ hear }, queue, count) {
  const taken = await hear('taken', count)
  for (const { note: kind, ...fields } of taken) note(kind, fields)
  for (const { job_id } of taken) note('stalled', { queue: queue.name, job_id })
}

/** Have a worker process take `count` jobs, and kill it. */
async function takeAndDie(queue, context, count) {
  const started = startVictim(queue, context, count)
  await takenBy(started, queue, count)
  started.victim.kill('SIGKILL')
  await once(started.victim, 'exit')
}

async function stalling(queue, context) {
  queue.schedule(QUICK_STALL)
  await queue.add('hopeless', { ms: 20 })
  await takeAndDie(queue, context, 1)
  await takeAndDie(queue, context, 1)
  await addAll(queue, times(3, () => ({ name: 'recovers', data: { ms: 40 }, opts: {} })))
  await takeAndDie(queue, context, 3)
  await queue.work({ ...QUICK_STALL, concurrency: 4 })
  await queue.finished(4)
  await queue.checkpoint('end')
}

/** A worker whose event loop is blocked loses its job to another one, and ends it when that one has long done so. */
async function blocked(queue, context) {
  queue.schedule(QUICK_STALL)
  await addAll(queue, times(2, () => ({ name: 'blocks', data: { ms: 40 }, opts: {} })))
  const started = startVictim(queue, context, 1, '2800')
  await takenBy(started, queue, 1)
  await queue.work({ ...QUICK_STALL, concurrency: 2 })
  await queue.finished(2)
  await started.hear('late', 1)
  started.victim.kill('SIGKILL')
  await once(started.victim, 'exit')
  await queue.checkpoint('end')
}

async function limited(queue, { random }) {
  await addAll(queue, times(20, () => ({ name: 'limited', data: { ms: serviceTime(random, 6, 40) }, opts: {} })))
  await queue.work({ concurrency: 5, limiter: { max: 5, duration: 250 } })
  await queue.finished(20)
  await queue.checkpoint('end')
}

async function limitedByHand(queue) {
  await queue.work({ concurrency: 1, limiter: { max: 1000, duration: 1000 } })
  const data = index => (index % 3 === 0 ? { ms: 15, fails: 1, how: 'limit', rest: 200 } : { ms: 15 })
  await addAll(queue, times(7, index => ({ name: 'by hand', data: data(index), opts: {} })))
  await queue.finished(7)
  await queue.checkpoint('end')
}

async function postponed(queue) {
  await queue.work({ concurrency: 2 })
  const data = index => ({ ms: 15 + index, fails: index % 2, how: 'postpone', rest: 200 })
  await addAll(queue, times(8, index => ({ name: 'later', data: data(index), opts: {} })))
  await queue.finished(8)
  await queue.checkpoint('end')
}

/** Jobs that run, wait for a child which they add themselves, and run again. */
async function asking(queue) {
  await queue.work({ concurrency: 3 })
  const data = index => (index % 2 ? { ms: 15 + index, fails: 1, how: 'ask', rest: 250 } : { ms: 15 })
  await addAll(queue, times(8, index => ({ name: index % 2 ? 'asks' : 'does not', data: data(index), opts: {} })))
  await queue.finished(12)
  await queue.checkpoint('end')
}

async function scheduled(queue) {
  await queue.work({ concurrency: 2 })
  const job = await queue.library.repeat(queue.producer, 'tick', { ms: 12 }, 300, 5, { removeOnComplete: true })
  note('repeats', { queue: queue.name, job_id: String(job?.id), every: 0.3, limit: 5 })
  await queue.finished(4)
  await queue.finished(5)
  await queue.checkpoint('end')
}

async function flow(queue, { random }) {
  const children = new NotedQueue(queue.library, `${queue.name}-children`)
  const flows = queue.library.flows()
  const child = index => ({ name: `child ${index % 2}`, queueName: children.name, data: { ms: serviceTime(random) } })
  const tree = () => ({ name: 'parent', queueName: queue.name, data: { ms: 25 }, children: times(3, child) })
  const before = now()
  const trees = await Promise.all(times(4, () => flows.add(tree())))
  const after = now()
  for (const { job, children: nodes } of trees) {
    queue.noteAdded(job, before, after, { children: nodes.map(node => String(node.job.id)), children_queue: children.name })
    for (const node of nodes) children.noteAdded(node.job, before, after)
  }
  await queue.checkpoint('before')
  await children.work({ concurrency: 4 })
  await queue.work({ concurrency: 4 })
  await queue.finished(4)
  await children.finished(12)
  await Promise.all([queue.checkpoint('end'), children.checkpoint('end')])
}

/** One child fails and takes its parent with it; the parent's own handler never runs. */
async function brokenFlow(queue) {
  const flows = queue.library.flows()
  const events = queue.library.events(queue.name)
  await events.waitUntilReady()
  const broken = { name: 'child', queueName: queue.name, data: { ms: 15, fails: 1 }, opts: { failParentOnFailure: true } }
  const sound = { name: 'child', queueName: queue.name, data: { ms: 15 } }
  const before = now()
  const { job, children } = await flows.add({ name: 'parent', queueName: queue.name, data: { ms: 1 }, children: [broken, sound] })
  const after = now()
  queue.noteAdded(job, before, after, { children: children.map(node => String(node.job.id)), children_queue: queue.name, fails_with_child: true })
  for (const node of children) queue.noteAdded(node.job, before, after)
  events.on('failed', ({ jobId }) => jobId === job.id && queue.markEnded(jobId, 'failed'))
  await queue.work({ concurrency: 1 })
  await queue.finished(3)
  await queue.checkpoint('end')
}

async function paused(queue, { random }) {
  await queue.work({ concurrency: 3 })
  await queue.producer.pause()
  await addAll(queue, times(9, () => plainJob(random)))
  await queue.checkpoint('paused')
  await pause(200)
  note('resumes', { queue: queue.name, at: now() })
  await queue.producer.resume()
  await queue.finished(9)
  await queue.checkpoint('end')
}

async function bulk(queue, { random }) {
  await queue.work({ concurrency: 20 })
  const job = () => ({ name: pick(random, NAMES), data: { ms: serviceTime(random, 8, 60) } })
  for (let call = 0; call < 4; call++) await queue.addMany(times(50, job))
  await queue.finished(200)
  await queue.checkpoint('end')
}

/** Jobs in every state at once, then the same while paused, after resuming, and when all is done that can be. */
async function states(queue) {
  const release = queue.hold()
  const kept = { removeOnComplete: false, removeOnFail: false }
  await queue.work({ concurrency: 2 })
  await addAll(queue, times(4, () => ({ name: 'kept', data: { ms: 5 }, opts: kept })))
  await addAll(queue, times(2, () => ({ name: 'kept', data: { ms: 5, fails: 1 }, opts: kept })))
  await queue.finished(6)
  await addAll(queue, times(2, () => ({ name: 'held', data: { hold: true }, opts: kept })))
  while (queue.attempts.size < 8) await pause(5)
  await addAll(queue, times(3, () => ({ name: 'waits', data: { ms: 5 }, opts: kept })))
  await queue.add('waits', { ms: 5 }, { ...kept, lifo: true })
  await addAll(queue, times(5, index => ({ name: 'ranks', data: { ms: 5 }, opts: { ...kept, priority: 1 + index } })))
  await addAll(queue, times(3, () => ({ name: 'later', data: { ms: 5 }, opts: { ...kept, delay: HOUR } })))
  await queue.checkpoint('busy')
  await queue.producer.pause()
  await queue.checkpoint('paused')
  await addAll(queue, times(2, () => ({ name: 'waits', data: { ms: 5 }, opts: kept })))
  await queue.add('ranks', { ms: 5 }, { ...kept, priority: 3 })
  await queue.checkpoint('paused and filled')
  await queue.producer.resume()
  await queue.checkpoint('resumed')
  release()
  await queue.finished(20)
  await queue.checkpoint('end')
}

/** No worker at all: the cases in which some majors put a marker among the waiting jobs. */
async function idle(queue) {
  await queue.add('later', { ms: 5 }, { delay: HOUR })
  await queue.checkpoint('one delayed')
  await queue.add('ranks', { ms: 5 }, { priority: 2 })
  await queue.checkpoint('one prioritised')
  await queue.add('waits', { ms: 5 })
  await queue.checkpoint('one waiting')
  await queue.producer.pause()
  await queue.checkpoint('paused')
}

/** A marker, where a major puts one for a delayed job, is passed by LIFO jobs and stands behind plain ones. */
async function passed(queue) {
  await queue.add('later', { ms: 5 }, { delay: HOUR })
  await addAll(queue, times(3, () => ({ name: 'last in', data: { ms: 5 }, opts: { lifo: true } })))
  await addAll(queue, times(2, () => ({ name: 'plain', data: { ms: 5 }, opts: {} })))
  await queue.checkpoint('passed')
}

async function mixed(queue, { random }) {
  await queue.work({ concurrency: 4 })
  await queue.work({ concurrency: 4 })
  const kinds = [
    () => ({}),
    () => ({ opts: { delay: 20 + Math.floor(800 * random()) } }),
    () => ({ opts: { priority: 1 + Math.floor(3 * random()) } }),
    () => ({ opts: { lifo: true } }),
    () => ({ data: { fails: 1 } }),
    () => ({ data: { fails: 1 + Math.floor(2 * random()) }, opts: { attempts: 3, backoff: { type: 'fixed', delay: 80 } } }),
  ]
  for (const base of times(200, () => plainJob(random))) {
    const { data, opts } = pick(random, kinds)()
    await queue.add(base.name, { ...base.data, ...data }, { removeOnFail: true, ...opts })
    await pause(12 * random())
  }
  await queue.finished(200)
  await queue.checkpoint('end')
}

export const SCENARIOS = {
  'warm-up': { play: warmUp },
  blocked: { play: blocked }, // the longest begin first
  stalling: { play: stalling },
  plain: { play: plain },
  delayed: { play: delayed },
  prioritised: { play: prioritised },
  lifo: { play: lifo },
  failing: { play: failing },
  retrying: { play: retrying },
  'retrying-at-once': { play: retryingAtOnce },
  limited: { play: limited },
  'limited-by-hand': { play: limitedByHand, possible: ({ can }) => can.manualLimit },
  postponed: { play: postponed, possible: ({ can }) => can.postpone },
  asking: { play: asking, possible: ({ can }) => can.waitForChildren },
  scheduled: { play: scheduled },
  flow: { play: flow, possible: ({ can }) => can.flows },
  'broken-flow': { play: brokenFlow, possible: ({ can }) => can.failParent },
  paused: { play: paused },
  bulk: { play: bulk },
  states: { play: states },
  idle: { play: idle },
  passed: { play: passed },
  mixed: { play: mixed },
}
