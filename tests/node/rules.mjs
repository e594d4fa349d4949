// Plays a plan on one library and notes when each attempt really started and ended: node rules.mjs LIBRARY REDIS_URL QUEUE
// The plan comes on stdin: {worker: options, workAt, globalConcurrency, count, steps: [{at, add | pause | resume | flow}]}, times in ms.
// `holds` is how long this process works on any job, in place of what the job says. Jobs `elsewhere` are those of a second queue, which `elsewhere: options` works on.
import { openLibrary } from './libraries.mjs'
import { setTimeout as pause } from 'node:timers/promises'

const [libraryName, url, name] = process.argv.slice(2)
let text = ''
for await (const part of process.stdin) text += part
const plan = JSON.parse(text)
const library = openLibrary(libraryName, url, 'bull')
const queue = library.producer(name)
const otherName = `${name} elsewhere`
const other = plan.elsewhere && library.producer(otherName)
await library.ready(queue)
if (plan.globalConcurrency) await queue.setGlobalConcurrency(plan.globalConcurrency)

const began = performance.now()
const now = () => performance.now() - began
const attempts = new Map()
const notes = []
let ended = 0
let finish
const finished = new Promise(resolve => (finish = resolve))

async function handle(job) {
  const attempt = (attempts.get(job.name) ?? 0) + 1
  attempts.set(job.name, attempt)
  const note = { job: job.name, attempt, started: now() }
  notes.push(note)
  if (job.data.tell) console.log(`started ${job.name}`)
  if (job.data.spin) for (const until = performance.now() + job.data.spin; performance.now() < until;);
  else await pause(plan.holds ?? job.data.ms ?? 1)
  note.ended = now()
  if (attempt <= (job.data.fails ?? 0)) throw new Error('as planned')
}

function heard(event, job, error) {
  const stalled = /stalled more than/.test(error?.message ?? '')
  const last = event === 'completed' || stalled || attempts.get(job.name) >= (job.opts.attempts ?? 1)
  if (last && ++ended === plan.count) finish()
}

const steps = {
  add: ({ job, data = {}, opts = {}, elsewhere }) => (elsewhere ? other : queue).add(job, data, { removeOnComplete: true, ...opts }),
  pause: () => queue.pause(),
  resume: () => queue.resume(),
  flow: flow => library.flows().add(placed(flow)),
}
const placed = ({ job, data = {}, opts = {}, elsewhere, children = [] }) => ({ name: job, queueName: elsewhere ? otherName : name, data, opts, children: children.map(placed) })

async function play() {
  for (const { at = 0, ...step } of plan.steps) {
    if (at > now()) await pause(at - now())
    const [verb] = Object.keys(step)
    await steps[verb](step[verb])
  }
}

async function work() {
  await pause(plan.workAt ?? 0)
  await library.worker(name, handle, heard, plan.worker ?? {})
  if (plan.elsewhere) await library.worker(otherName, handle, heard, plan.elsewhere)
}

await Promise.all([play(), work(), finished])
console.log(JSON.stringify(notes))
process.exit(0)
