/**
 * The application on the other host: it knows its own topology file, writes and reads until its standard input ends, and
 * then tells what it saw.
 */
import { openRing } from '../../src/open-ring.js'

export interface ClientReport {
  readonly pid: number
  readonly epoch: number
  readonly operations: number
  readonly failures: readonly string[]
}

const keyCount = 300
const ring = await openRing(process.argv[2]!)
const failures: string[] = []
let operations = 0
let stopping = false
process.stdin.on('end', () => {
  stopping = true
})
process.stdin.resume()
for (let index = 0; index < keyCount; index++) await ring.call('SET', `k:${index}`, '0')
process.stdout.write('ready\n')
for (let round = 1; !stopping; round++) {
  for (let index = 0; index < keyCount; index++) {
    const before = String(await ring.call('GET', `k:${index}`))
    if (before !== String(round - 1)) failures.push(`k:${index} is ${before}, expected ${round - 1}`)
    await ring.call('SET', `k:${index}`, String(round))
    operations += 2
  }
}
const report: ClientReport = {
  pid: process.pid,
  epoch: ring.epoch,
  operations,
  failures: failures.slice(0, 10),
}
process.stdout.write(`${JSON.stringify(report)}\n`)
await ring.close()
