import { request } from 'node:http'
import type { Console } from '../../packages/operator/src/console/console.ts'

export interface ConsoleAnswer<T = unknown> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Undefined where the answer is no JSON. */
  readonly value: T
}

export interface Asked {
  readonly method?: string
  /** Those of a browser on the console's own page, unless given; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
}

/** A browser, as far as the API knows one. The connection goes to loopback, whatever the name says. */
export class ConsoleClient {
  readonly port: number
  readonly host: string
  readonly key: string
  cookie: string | undefined

  constructor({ url, port }: Pick<Console, 'url' | 'port'>) {
    const address = new URL(url)
    this.port = port
    this.host = address.host
    this.key = address.searchParams.get('key') ?? ''
  }

  /** Opens the address that was printed. */
  async enter(): Promise<ConsoleAnswer> {
    const answer = await this.ask(`/enter?key=${this.key}`)
    const [cookie] = [answer.headers['set-cookie'] ?? []].flat()
    this.cookie = cookie?.split(';')[0]
    return answer
  }

  get<T>(path: string): Promise<ConsoleAnswer<T>> {
    return this.ask<T>(path)
  }

  post<T>(path: string, body: unknown = {}): Promise<ConsoleAnswer<T>> {
    return this.ask<T>(path, { method: 'POST', body })
  }

  ask<T = unknown>(path: string, asked: Asked = {}): Promise<ConsoleAnswer<T>> {
    const { method = 'GET', body } = asked
    const headers = this.#headers(method, asked)
    return new Promise((resolve, reject) => {
      const call = request({
        port: this.port,
        host: '127.0.0.1',
        path,
        method,
        headers,
        agent: false,
      })
      call.once('error', reject)
      call.once('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.once('end', () => {
          const { statusCode: status = 0, headers: received } = response
          resolve({ status, headers: received, text, value: parse(text) as T })
        })
        response.once('error', reject)
      })
      call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  /** Hears a stream until it ends, or `enough` says so. */
  listen(
    path: string,
    hear: (name: string, data: unknown) => 'enough' | undefined = () => undefined,
  ): Promise<[name: string, data: unknown][]> {
    const heard: [string, unknown][] = []
    const headers = { ...this.#headers('GET', {}), accept: 'text/event-stream' }
    return new Promise((resolve, reject) => {
      const call = request({ port: this.port, host: '127.0.0.1', path, headers, agent: false })
      call.once('error', reject)
      call.once('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          const blocks = text.split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) {
            const event = eventOf(block)
            if (!event) continue
            heard.push(event)
            if (hear(...event) !== 'enough') continue
            resolve(heard)
            call.destroy()
            return
          }
        })
        response.once('end', () => resolve(heard))
        response.once('error', () => resolve(heard))
      })
      call.end()
    })
  }

  #headers(method: string, { headers = {} }: Asked): Record<string, string> {
    const own = {
      host: this.host,
      cookie: this.cookie,
      'sec-fetch-site': 'same-origin',
      ...(method === 'POST' && {
        origin: `http://${this.host}`,
        'content-type': 'application/json',
        'heliograph-console': '1',
      }),
      ...headers,
    }
    const given = Object.entries(own).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given) as Record<string, string>
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function eventOf(block: string): [string, unknown] | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at), line.slice(at + 2)] as const
    }),
  )
  const [name, data] = [fields.get('event'), fields.get('data')]
  return name === undefined || data === undefined ? undefined : [name, parse(data)]
}
