/** The thread of a load: connects, says ready, waits for the first phase, runs, reports. */
import { parentPort, workerData } from 'node:worker_threads'
import { CachectlError, describeError, ExitCode } from '../errors.js'
import { LoadEngine } from './load-engine.js'
import { type LoadJob, type LoadMessage, phase } from './load-protocol.js'

const job = workerData as LoadJob
const say = (message: LoadMessage) => parentPort?.postMessage(message)

try {
  const engine = new LoadEngine(job)
  await engine.connect()
  say({ kind: 'ready' })
  Atomics.wait(job.shared.control, 0, phase.wait)
  say({ kind: 'done', ...(await engine.run()) })
} catch (error) {
  const ours = error instanceof CachectlError ? error : undefined
  say({
    kind: 'failed',
    message: ours ? ours.message : describeError(error),
    exitCode: ours?.exitCode ?? ExitCode.bug,
    ...(ours?.remedy ? { remedy: ours.remedy } : {}),
  })
}
