// Uses one library for real and notes the truth: node workload.mjs LIBRARY REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO] SEED
// Scenarios run side by side, each on a queue of its own: QUEUE-SCENARIO. `all` runs every one the library can do.
import { openLibrary } from './libraries.mjs'
import { followAnswers, note, seeded, writeNotes } from './notes.mjs'
import { NotedQueue } from './queue.mjs'
import { SCENARIOS } from './scenarios.mjs'

const [libraryName, url, prefix, queueName, wanted, seed = '1'] = process.argv.slice(2)
if (!wanted) {
  console.error('usage: node workload.mjs LIBRARY REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO] [SEED]')
  process.exit(2)
}

// With more side by side, waiting for the event loop would be measured.
const LANES = 4

const library = openLibrary(libraryName, url, prefix)
const names = wanted === 'all' ? Object.keys(SCENARIOS).slice(1) : wanted.split(',')
const possible = names.filter(name => SCENARIOS[name].possible?.(library) ?? true)

async function open(name) {
  const queue = new NotedQueue(library, `${queueName}-${name}`)
  await library.ready(queue.producer)
  return { name, queue }
}

async function play({ name, queue }) {
  const position = Object.keys(SCENARIOS).indexOf(name)
  const context = { libraryName, url, prefix, random: seeded(Number(seed) * 1000 + position) }
  note('scenario', { queue: queue.name, scenario: name })
  await SCENARIOS[name].play(queue, context)
}

followAnswers()
// Compiling is over before anything is timed.
await play(await open('warm-up'))
const left = await Promise.all(possible.map(open))
const lane = async () => {
  while (left.length > 0) await play(left.shift())
}
await Promise.all(Array.from({ length: LANES }, lane))
note('done', {})
writeNotes()
process.exit(0)
