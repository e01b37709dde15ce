import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { upTopics } from '@heliograph/protocol/mqtt-topic'
import type { TestCa } from './pki.ts'

export interface Asked {
  readonly csr: string
  readonly activationCode: string
}

export interface ActivationEndpoint {
  readonly url: string
  readonly asked: Asked[]
  /** Answers a request; the default signs the CSR for `deviceId`. */
  answer: (asked: Asked, response: ServerResponse) => Promise<void> | void
  close(): Promise<void>
}

export const deviceId = '0123456789abcdef'

export const publishTopics = upTopics('test', deviceId)

/** An HTTPS stand-in for the activation API. */
export async function startActivation(ca: TestCa, mqttPort: number): Promise<ActivationEndpoint> {
  const server = createServer(ca.server, (request, response) => {
    readBody(request)
      .then((body) => {
        const asked = JSON.parse(body) as Asked
        endpoint.asked.push(asked)
        return endpoint.answer(asked, response)
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint: ActivationEndpoint = {
    url: `https://localhost:${(server.address() as AddressInfo).port}/activate`,
    asked: [],
    answer: async ({ csr }, response) => {
      const mqtt = { host: 'localhost', port: mqttPort, ca: ca.certificate }
      const certificate = await ca.sign(csr, deviceId)
      reply(response, 201, { deviceId, certificate, mqtt, publish: publishTopics })
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return endpoint
}

export function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
