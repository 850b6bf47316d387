/** A load process's side of the socket to the one source of truth of the run. */
import type { Socket } from 'node:net'
import { unreachable } from '../../../errors.js'
import { failedVersion, sourceAnswer, sourceRequest } from './protocol.js'

/** What a load process asks of the source of truth; versions of a key grow by one a write, in the order of the source. */
export interface Origin {
  /** The version that the key has now. `counts`: false during the warm-up. */
  load(key: number, counts: boolean): Promise<number>
  /** The version that it has from now on. */
  write(key: number): Promise<number>
  /** A version for a write that the source gets later. */
  nextVersion(key: number): Promise<number>
  /** Such a write, late: an older version than the source has changes nothing. */
  flush(key: number, version: number): Promise<void>
}

interface Waiter {
  resolve(version: number): void
  reject(error: unknown): void
}

export class SourceLink implements Origin {
  private readonly waiters = new Map<number, Waiter>()
  private readonly unsent: number[] = []
  private rest: Buffer = Buffer.alloc(0)
  private nextId = 0
  private lost: Error | undefined

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', (error) => this.lose(error))
    socket.on('close', () => this.lose(undefined))
  }

  load(key: number, counts: boolean): Promise<number> {
    return this.ask(sourceRequest.load, key, counts ? 1 : 0)
  }

  write(key: number): Promise<number> {
    return this.ask(sourceRequest.write, key, 0)
  }

  nextVersion(key: number): Promise<number> {
    return this.ask(sourceRequest.version, key, 0)
  }

  async flush(key: number, version: number): Promise<void> {
    await this.ask(sourceRequest.flush, key, version)
  }

  close(): void {
    this.socket.destroy()
  }

  private ask(kind: number, key: number, detail: number): Promise<number> {
    if (this.lost) return Promise.reject(this.lost)
    const id = this.nextId++ >>> 0
    if (this.unsent.length === 0) process.nextTick(() => this.send())
    this.unsent.push(kind, id, key, detail)
    return new Promise((resolve, reject) => this.waiters.set(id, { resolve, reject }))
  }

  private send(): void {
    const words = Uint32Array.from(this.unsent.splice(0))
    if (!this.lost) this.socket.write(new Uint8Array(words.buffer))
  }

  private take(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    for (; at + sourceAnswer.bytes <= bytes.length; at += sourceAnswer.bytes) {
      const id = bytes.readUInt32LE(at)
      const version = bytes.readUInt32LE(at + 4)
      if (version === failedVersion) this.waiters.get(id)?.reject(unreachable('the source of truth failed'))
      else this.waiters.get(id)?.resolve(version)
      this.waiters.delete(id)
    }
    this.rest = bytes.subarray(at)
  }

  private lose(cause: unknown): void {
    this.lost ??= unreachable("the run's source of truth is gone", undefined, cause)
    for (const { reject } of this.waiters.values()) reject(this.lost)
    this.waiters.clear()
  }
}
