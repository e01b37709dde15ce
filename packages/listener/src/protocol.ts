import type { TLSSocket } from 'node:tls'

export type HttpProtocol = 'h2' | 'http/1.1'

/**
 * Tells what a client speaks, at once or never. One without ALPN is told by its first bytes, which
 * `http2.createSecureServer` would refuse; it has `waitMs` for them, and is cut then.
 */
export function chooseProtocol(
  socket: TLSSocket,
  waitMs: number,
  use: (protocol: HttpProtocol) => void,
): void {
  const { alpnProtocol } = socket
  if (alpnProtocol === 'h2' || alpnProtocol === 'http/1.1') {
    use(alpnProtocol)
    return
  }
  const deadline = setTimeout(() => socket.destroy(), waitMs)
  socket.once('close', () => clearTimeout(deadline))
  peek(socket, (first) => {
    clearTimeout(deadline)
    use(first === 'PRI' ? 'h2' : 'http/1.1')
  })
}

/** Reads three bytes without taking them: no HTTP/1.1 method begins like `PRI * HTTP/2.0`. */
function peek(socket: TLSSocket, use: (first: string) => void): void {
  let seen = Buffer.alloc(0)
  const onReadable = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      seen = Buffer.concat([seen, chunk])
    if (seen.length < 3) return
    socket.removeListener('readable', onReadable)
    socket.unshift(seen)
    use(seen.toString('latin1', 0, 3))
  }
  socket.on('readable', onReadable)
}
