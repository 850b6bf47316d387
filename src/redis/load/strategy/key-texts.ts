/** The keys of a load as an application's cache takes them: texts without the namespace, made once each. */
import type { LoadKeysSpec } from '../../../operations/ports.js'
import { createLoadKeys, keyNumbers } from '../keys.js'

export class KeyTexts {
  private readonly texts: string[]
  /** Of names; numbers stand in the text itself. */
  private readonly numbers: Map<string, number> | undefined
  private readonly bytes: (index: number) => Uint8Array
  private readonly prefixBytes: number

  constructor(spec: LoadKeysSpec) {
    this.texts = new Array(keyNumbers(spec))
    this.numbers = spec.kind === 'named' ? new Map() : undefined
    const keys = createLoadKeys(spec, '')
    this.bytes = (index) => keys.bytes(index)
    this.prefixBytes = Buffer.byteLength(spec.prefix)
  }

  of(number: number): string {
    return this.texts[number] ?? this.make(number)
  }

  /** The number of a key that was made here. */
  numberOf(text: string): number {
    return this.numbers ? this.numbers.get(text)! : Number(text)
  }

  private make(number: number): string {
    const whole = this.bytes(number)
    const text = Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8', this.prefixBytes)
    this.texts[number] = text
    this.numbers?.set(text, number)
    return text
  }
}
