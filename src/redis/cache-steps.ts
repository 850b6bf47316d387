/** The scripts of cache-scripts.ts as they are run: by their digests. */
import * as scripts from './cache-scripts.js'
import { scriptOf } from './script.js'

export const getOrLease = scriptOf('get or lease', scripts.getOrLeaseScript)
export const keepLease = scriptOf('keep a lease', scripts.keepLeaseScript)
export const releaseLease = scriptOf('release a lease', scripts.releaseLeaseScript)
export const fill = scriptOf('fill', scripts.fillScript)
export const startRefresh = scriptOf('start a refresh', scripts.startRefreshScript)
export const refill = scriptOf('refill', scripts.refillScript)
export const put = scriptOf('put', scripts.putScript)
export const update = scriptOf('update', scripts.updateScript)
export const touch = scriptOf('touch', scripts.touchScript)
export const unmark = scriptOf('unmark', scripts.unmarkScript)
export const tagVersions = scriptOf('tag versions', scripts.tagVersionsScript)
export const invalidateTag = scriptOf('invalidate a tag', scripts.invalidateTagScript)
