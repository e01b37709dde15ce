import type { Server, Socket } from 'node:net'

export interface DoorwayLimits {
  /** Connections at a time of those who are known. */
  readonly connections: number
  /** Newcomers for whom there is room even then. */
  readonly newcomers: number
}

/**
 * The connections of a server. Anyone can open one and send nothing, so a connection that has not
 * yet been authenticated is a newcomer. If there is no more room, the newcomer that has waited
 * longest is closed, so strangers cannot lock anyone out. There is as much room for newcomers as
 * for all connections, so a whole fleet can come back at once.
 */
export class Doorway {
  readonly #limits: DoorwayLimits
  /** By its addresses, the longest wait first: a TLS socket does not say which plain one it is of. */
  readonly #newcomers = new Map<string, Socket>()
  readonly #known = new Set<string>()

  constructor(server: Server, limits: DoorwayLimits) {
    this.#limits = limits
    // those that are being closed count, too
    server.maxConnections = limits.connections + 2 * limits.newcomers
    server.on('connection', (socket) => this.#enter(socket))
  }

  /** Whether there is no room for another one that is known. */
  get isFull(): boolean {
    return this.#known.size >= this.#limits.connections
  }

  /** The peer is authenticated: the connection stays until it ends on its own. */
  welcome(socket: Socket): void {
    const name = nameOf(socket)
    if (!this.#newcomers.delete(name)) return
    this.#known.add(name)
    socket.once('close', () => this.#known.delete(name))
  }

  #enter(socket: Socket): void {
    const name = nameOf(socket)
    this.#newcomers.set(name, socket)
    socket.once('close', () => {
      if (this.#newcomers.get(name) === socket) this.#newcomers.delete(name)
    })
    const { connections, newcomers } = this.#limits
    const room = Math.max(newcomers, connections - this.#known.size)
    if (this.#newcomers.size <= room) return
    const [oldest] = this.#newcomers.values()
    oldest?.destroy()
  }
}

function nameOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
