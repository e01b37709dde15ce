import type { StreamEnds, Streams } from 'heliograph/console/api'
import { useEffect, useState } from 'preact/hooks'
import { type Fault, type Input, urlOf } from './call.ts'
import { reportEnd } from './session.ts'

type Name = keyof Streams
type Events<N extends Name> = Streams[N]['events']
type Part<N extends Name, Key extends string> =
  Streams[N] extends Record<Key, infer Value> ? { readonly [K in Key]: Value } : unknown
export type StreamInput<N extends Name> = Part<N, 'params'> & Part<N, 'query'>

/** Hears each event that the stream's type names. */
export type Hearers<N extends Name> = {
  readonly [Event in keyof Events<N>]: (data: Events<N>[Event]) => void
}

/** `lost`: the connection is gone, and the browser tries again. */
export type StreamState = 'off' | 'opening' | 'open' | 'lost' | 'ended' | 'failed'

export interface Stream {
  readonly state: StreamState
  /** Why it failed. */
  readonly fault?: Fault
}

/** Listens while the input is given; anew when it or `round` changes. */
export function useStream<N extends Name>(
  name: N,
  input: StreamInput<N> | undefined,
  hearers: Hearers<N>,
  round = 0,
): Stream {
  const [stream, setStream] = useState<Stream>({ state: 'off' })
  const key = input === undefined ? '' : JSON.stringify(input)
  // listeners only pass on what they hear
  useEffect(() => {
    if (key === '') return setStream({ state: 'off' })
    setStream({ state: 'opening' })
    const source = new EventSource(streamUrl(name, JSON.parse(key)))
    source.onopen = () => setStream({ state: 'open' })
    source.onerror = () => setStream({ state: 'lost' })
    hearEnds(source, setStream)
    for (const [event, hear] of Object.entries<(data: never) => void>(hearers))
      source.addEventListener(event, ({ data }) => hear(JSON.parse(data) as never))
    return () => source.close()
  }, [name, key, round])
  return stream
}

function streamUrl(name: Name, { params, query }: Partial<Input<'GET /api/dead-letters/:queue'>>) {
  return urlOf(name.slice('GET '.length), params, query)
}

/** After one of these the server closes the stream, and the browser must not ask again. */
function hearEnds(source: EventSource, set: (stream: Stream) => void): void {
  const on = <E extends keyof StreamEnds>(event: E, hear: (data: StreamEnds[E]) => void) =>
    source.addEventListener(event, (message) => {
      source.close()
      hear(JSON.parse((message as MessageEvent<string>).data) as StreamEnds[E])
    })
  on('end', () => set({ state: 'ended' }))
  on('failure', (fault) => set({ state: 'failed', fault }))
  on('bye', ({ reason }) => reportEnd(reason))
}
