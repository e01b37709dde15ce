import { createConnection, type Socket } from 'node:net'

/** Opens many connections that never say a word, tells how many stand, and holds them until killed. */
const [port, wanted] = [Number(process.env.PORT), Number(process.env.CONNECTIONS)]
const sockets: Socket[] = []

function open(): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, resolve)
    socket.on('error', () => resolve())
    sockets.push(socket)
  })
}

// a few hundred at a time: the listener's backlog is finite
while (sockets.length < wanted)
  await Promise.all(Array.from({ length: Math.min(250, wanted - sockets.length) }, open))
process.send?.(sockets.filter((socket) => socket.readyState === 'open').length)
setInterval(() => {}, 60_000)
