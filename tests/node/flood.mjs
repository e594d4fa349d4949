// As many jobs as this machine can finish: node flood.mjs REDIS_URL QUEUES JOBS_PER_QUEUE; prints what the handlers did.

const [url, queues, jobs] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const { Queue, Worker } = (await import('bullmq5')).default ?? (await import('bullmq5'))
const connection = { host: new URL(url).hostname, port: Number(new URL(url).port), maxRetriesPerRequest: null }
const removal = { removeOnComplete: true, removeOnFail: true }
let handled = 0
let failed = 0

async function flood(name) {
  const queue = new Queue(name, { connection })
  await queue.waitUntilReady()
  console.log(`ready ${name}`)
  await new Promise(resolve => process.stdin.once('data', resolve))
  const rows = Array.from({ length: jobs }, (_, index) => ({ name: `type-${index % 3}`, data: { index }, opts: removal }))
  for (let start = 0; start < jobs; start += 500) await queue.addBulk(rows.slice(start, start + 500))
  let left = jobs
  await new Promise(resolve => {
    const worker = new Worker(name, async job => {
      handled += 1
      if (job.data.index % 20 === 0) { failed += 1; throw new Error('no') }
    }, { connection, concurrency: 50 })
    const ended = () => { left -= 1; if (left === 0) resolve() }
    worker.on('completed', ended)
    worker.on('failed', ended)
  })
}

const began = Date.now()
await Promise.all(Array.from({ length: queues }, (_, index) => flood(`flood-${index}`)))
console.log(JSON.stringify({ handled, failed, seconds: (Date.now() - began) / 1000 }))
process.exit(0)
