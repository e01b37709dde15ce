import { AwsError } from '../answer.ts'

/**
 * The aws-chunked encoding of request bodies (s3:sigv4-streaming): `<size in hex>[;extension]`, data,
 * and so on to a chunk of size 0 and trailers. Signatures and trailing checksums are not checked.
 */
export function decodeAwsChunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (true) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    if (lineEnd === -1 || Number.isNaN(size)) throw incomplete()
    if (size === 0) return Buffer.concat(parts)
    const start = lineEnd + 2
    if (start + size > body.length) throw incomplete()
    parts.push(body.subarray(start, start + size))
    at = start + size + 2
  }
}

function incomplete(): AwsError {
  return new AwsError('IncompleteBody', 'The aws-chunked body breaks off.')
}
