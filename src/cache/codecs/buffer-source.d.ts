/** A type of the browser's that the types of @msgpack/msgpack name. This file is not part of the build's output. */
type BufferSource = ArrayBufferView | ArrayBuffer
