import type { Call, Command } from './client.ts'

/** How a command's values are written in JSON. */
export interface Codec {
  write(input: object): string
  read(body: string): unknown
}

/** For commands without binary members. */
const plainCodec: Codec = {
  write: (input) => JSON.stringify(input),
  read: parseBody,
}

/** The members of an answer; empty if the answer has no body. */
export function parseBody(body: string): object {
  return body === '' ? {} : JSON.parse(body)
}

/** Makes the class of one command of an AWS JSON protocol (Smithy: "AWS JSON 1.0 protocol"). */
export function jsonCommand<Input extends object, Output>(
  target: string,
  version: '1.0' | '1.1',
  codec: Codec = plainCodec,
) {
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target }
  return class JsonCommand implements Command<Output> {
    readonly input: Input

    constructor(input: Input) {
      this.input = input
    }

    toCall(): Call {
      return { method: 'POST', path: '/', headers, body: codec.write(this.input) }
    }

    toOutput(body: string): Output {
      return codec.read(body) as Output
    }
  }
}

/** Binary members, by their names at the top of input and output: base64 in JSON. */
export function blobCodec(written: readonly string[], read: readonly string[]): Codec {
  return {
    write: (input) => JSON.stringify(mapMembers(input, written, toBase64)),
    read: (body) => mapMembers(parseBody(body), read, fromBase64),
  }
}

function mapMembers(value: object, names: readonly string[], map: (member: unknown) => unknown) {
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([name, member]) => [name, names.includes(name) ? map(member) : member]),
  )
}

export function toBase64(value: unknown): unknown {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    : value
}

export function fromBase64(value: unknown): unknown {
  return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value
}
