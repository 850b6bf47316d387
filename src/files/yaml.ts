/**
 * The YAML library. It is CommonJS: an `import` makes Node scan each of its files for the names it exports, which
 * costs an eighth of a short command's time; `require` does not.
 */
import { createRequire } from 'node:module'

const yaml = createRequire(import.meta.url)('yaml') as typeof import('yaml')

export const {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  stringify,
  visit,
} = yaml
