/** What people and operators tell each other on the notice board of the control store. Nothing safe rests on it. */
import type { ControlStore } from '../cache/ports.js'

/** Asks one operator to stop at a safe point. */
export interface PauseNotice {
  /** For people: `pid 812 on host a`. */
  readonly by: string
  readonly sinceMs: number
  /** Whom it asks, as the lease names it: an operator that goes on later is not meant. */
  readonly holder: string
}

/** How far the keys of an epoch have moved; told about once a second. */
export interface ProgressNotice {
  readonly epoch: number
  /** By all operators of this change together. */
  readonly movedKeyCount: number
  readonly movedBytes: number
  /** An estimate from before the change. */
  readonly expectedKeyCount: number
  /** Of the operator at work. */
  readonly keysPerSec: number
  /** Wall time of this notice. */
  readonly atMs: number
}

export async function readPause(control: ControlStore): Promise<PauseNotice | undefined> {
  const { by, sinceMs, holder } = fieldsOf(await control.notice('pause'))
  if (typeof by !== 'string' || typeof sinceMs !== 'number' || typeof holder !== 'string') return undefined
  return { by, sinceMs, holder }
}

export function putPause(control: ControlStore, pause: PauseNotice): Promise<void> {
  return control.putNotice('pause', JSON.stringify(pause))
}

export function clearPause(control: ControlStore): Promise<void> {
  return control.putNotice('pause', undefined)
}

export async function readProgress(control: ControlStore): Promise<ProgressNotice | undefined> {
  const fields = fieldsOf(await control.notice('progress'))
  const count = (name: keyof ProgressNotice) => Number(fields[name])
  const progress: ProgressNotice = {
    epoch: count('epoch'),
    movedKeyCount: count('movedKeyCount'),
    movedBytes: count('movedBytes'),
    expectedKeyCount: count('expectedKeyCount'),
    keysPerSec: count('keysPerSec'),
    atMs: count('atMs'),
  }
  return Object.values(progress).every(Number.isFinite) ? progress : undefined
}

export function putProgress(control: ControlStore, progress: ProgressNotice): Promise<void> {
  return control.putNotice('progress', JSON.stringify(progress))
}

/** A text that is no notice of ours is none: it is for people, and nothing safe rests on it. */
function fieldsOf(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
