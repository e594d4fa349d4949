// Knows how truth is noted: one JSON line for each thing that a job or a queue did, with epoch seconds.
import { createInterface } from 'node:readline'
import { performance } from 'node:perf_hooks'

/** Epoch seconds of a clock that has microseconds, unlike Date. */
export const now = () => (performance.timeOrigin + performance.now()) / 1000

export const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

const unwritten = []

/** Keep a note; writing it now would take part of the time that is being measured. */
export function note(kind, fields) {
  if (unwritten.length === 0) setTimeout(writeNotes, 30)
  unwritten.push({ note: kind, ...fields })
}

export function writeNotes() {
  if (unwritten.length > 0) process.stdout.write(unwritten.map(one => JSON.stringify(one) + '\n').join(''))
  unwritten.length = 0
}

/** Random numbers in [0, 1) that one seed always repeats (mulberry32, public domain). */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const waiting = new Map()
let ended = false

/** Follow stdin: each line `go KEY` lets the checkpoint of that key go on; its end lets all go on. */
export function followAnswers() {
  const answers = createInterface({ input: process.stdin })
  answers.on('line', line => waiting.get(line.slice(3))?.())
  answers.on('close', () => {
    ended = true
    for (const goOn of waiting.values()) goOn()
  })
  process.stdin.unref?.()
}

/** Say that a queue stands still, and wait until the reader has looked at it. */
export async function standStill(queue, label, fields) {
  const key = `${queue} ${label}`
  const answer = new Promise(resolve => waiting.set(key, resolve))
  note('checkpoint', { queue, label, key, ...fields })
  writeNotes()
  if (!ended) await answer
  waiting.delete(key)
}
