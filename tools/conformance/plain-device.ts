import { readFileSync } from 'node:fs'
import https from 'node:https'
import mqtt, { type MqttClient } from 'mqtt'
import type { LocalFile } from '../../bin/demo.ts'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'

/** What `POST <activation url>` answers. */
export interface Activation {
  readonly deviceId: string
  readonly certificate: string
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca: string }
  readonly publish: Readonly<Record<'register' | 'connect' | 'unregister' | 'renew', string>>
}

/** Activates without the SDK; returns the answer with the key it was made for. */
export async function activatePlainly(target: {
  readonly local: LocalFile
}): Promise<{ readonly key: string; readonly answer: Activation }> {
  const key = makePrivateKey()
  const csr = await makeRequest(key)
  const { status, body } = await postJson(target, {
    csr,
    activationCode: target.local.activation.code,
  })
  if (status !== 201) throw new Error(`activation was refused: ${status} ${body}`)
  return { key, answer: JSON.parse(body) as Activation }
}

/** `POST` to the activation API. */
export function postJson(
  target: { readonly local: LocalFile },
  value: unknown,
): Promise<{ readonly status: number; readonly body: string }> {
  const { url, ca } = target.local.activation
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const call = https.request(
      url,
      { method: 'POST', headers, ca: readFileSync(ca) },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    call.on('error', reject)
    call.end(typeof value === 'string' ? value : JSON.stringify(value))
  })
}

/** A device of plain mqtt.js, as a user without the SDK would write it. */
export class PlainDevice {
  readonly client: MqttClient
  readonly messages: { readonly topic: string; readonly text: string }[] = []

  constructor(
    activation: { readonly key: string; readonly answer: Activation },
    options: { readonly clientId?: string } = {},
  ) {
    const { mqtt: broker, certificate, deviceId } = activation.answer
    this.client = mqtt.connect({
      protocol: 'mqtts',
      host: broker.host,
      port: broker.port,
      servername: broker.host,
      ca: broker.ca,
      cert: certificate,
      key: activation.key,
      clientId: options.clientId ?? deviceId,
      clean: true,
      reconnectPeriod: 0,
      manualConnect: true,
    })
    this.client.on('message', (topic, payload) => {
      this.messages.push({ topic, text: payload.toString() })
    })
    this.client.on('error', () => {})
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.once('connect', () => resolve())
      this.client.once('close', () => reject(new Error('the broker refused the connection')))
      this.client.connect()
    })
  }

  publish(topic: string, value: unknown): Promise<unknown> {
    return this.client.publishAsync(topic, JSON.stringify(value), { qos: 1 })
  }

  /** The next message on a topic that has not been taken yet. */
  async take(topic: string): Promise<Record<string, unknown>> {
    const index = await until(() => {
      const found = this.messages.findIndex((message) => message.topic === topic)
      return found < 0 ? undefined : found
    })
    const [message] = this.messages.splice(index, 1)
    return JSON.parse(message?.text ?? '') as Record<string, unknown>
  }

  close(): Promise<void> {
    return this.client.endAsync(true)
  }
}

/** Waits until `look` finds something, at most `withinMs`. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  withinMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`nothing came within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
