// Uses one library for real and notes the truth: node workload.mjs LIBRARY REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO] SEED
// Scenarios run side by side, each on a queue of its own: QUEUE-SCENARIO. `all` runs every one the library can do.
import { openLibrary } from './libraries.mjs'
import { followAnswers, note, seeded } from './notes.mjs'
import { NotedQueue } from './queue.mjs'
import { SCENARIOS } from './scenarios.mjs'

const [libraryName, url, prefix, queueName, wanted, seed = '1'] = process.argv.slice(2)
if (!wanted) {
  console.error('usage: node workload.mjs LIBRARY REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO] [SEED]')
  process.exit(2)
}

const library = openLibrary(libraryName, url, prefix)
const names = wanted === 'all' ? Object.keys(SCENARIOS) : wanted.split(',')
const possible = names.filter(name => SCENARIOS[name].possible?.(library) ?? true)

async function play(name, position) {
  const queue = new NotedQueue(library, `${queueName}-${name}`)
  const context = { libraryName, url, prefix, random: seeded(Number(seed) * 1000 + position) }
  note('scenario', { queue: queue.name, scenario: name })
  await SCENARIOS[name].play(queue, context)
}

followAnswers()
await Promise.all(possible.map(play))
note('done', {})
process.exit(0)
