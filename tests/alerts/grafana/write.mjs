// Knows what of Grafana's packages is kept: the schema without its prose, and the names of all units.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [generated, folder] = process.argv.slice(2)
const load = createRequire(import.meta.url)
const { dependencies } = JSON.parse(readFileSync('package.json'))
const comment = `Made by make.sh of @grafana/schema and @grafana/data ${dependencies['@grafana/schema']}. Do not edit.`
const write = (name, value) => writeFileSync(`${folder}/${name}`, JSON.stringify(value, null, 1) + '\n')

// A description that is prose is a string; a property of that name is an object.
const schema = JSON.parse(readFileSync(generated), (key, value) =>
  ['description', 'deprecated'].includes(key) && typeof value === 'string' ? undefined : value)
write('board.schema.json', { $comment: comment, ...schema })

// The formats of dates ask the browser for its language.
globalThis.navigator ??= { language: 'en', languages: ['en'] }
const formats = load('@grafana/data').getValueFormats().flatMap(category => category.submenu.map(unit => unit.value))
write('units.json', { $comment: comment, units: [...new Set(formats)].sort() })
