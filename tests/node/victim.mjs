// Knows a worker that goes wrong in the middle of a job: it takes jobs, says so, and never ends them, until its parent kills
// it; or, told for how many ms, it blocks its event loop, so that it can't renew its locks and its ends come too late.
import { openLibrary } from './libraries.mjs'
import { note, now, writeNotes } from './notes.mjs'

const [name, url, prefix, queue, options, blockedMs] = process.argv.slice(2)

/** Nothing else runs in this process meanwhile. */
const block = milliseconds => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

const handle = job => {
  const fetched = job.processedOn / 1000
  note('taken', { queue, job_id: String(job.id), job_type: job.name, fetched, started: now() })
  writeNotes()
  return blockedMs ? block(Number(blockedMs)) : new Promise(() => undefined)
}

/** What the library says of an end that came too late. */
const hear = (event, _job, error) => {
  note('late', { queue, event, error: error?.message })
  writeNotes()
}
await openLibrary(name, url, prefix).worker(queue, handle, hear, JSON.parse(options))
