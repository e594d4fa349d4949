// Knows a worker that dies in the middle: takes jobs, says so, and never ends them; its parent kills it with SIGKILL.
import { openLibrary } from './libraries.mjs'
import { note, now, writeNotes } from './notes.mjs'

const [name, url, prefix, queue, options] = process.argv.slice(2)

const handle = job => {
  const fetched = job.processedOn / 1000
  note('taken', { queue, job_id: String(job.id), job_type: job.name, fetched, started: now() })
  writeNotes()
  return new Promise(() => undefined)
}
await openLibrary(name, url, prefix).worker(queue, handle, () => undefined, JSON.parse(options))
