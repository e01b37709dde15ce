import { type Emulator, TargetError } from './emulator.ts'
import { healthy } from './health.ts'
import { type Command, start } from './process.ts'

export interface Launch {
  readonly name: string
  readonly url: string
  readonly command: Command
  /** Milliseconds until it has to answer. */
  readonly withinMs: number
  /** The sentence for when it does not. */
  readonly failure: string
}

/** Starts an emulator and waits until it answers. */
export async function launch(options: Launch): Promise<Emulator> {
  const { name, url, command, withinMs, failure } = options
  const running = start(command)
  const ended = new AbortController()
  void running.ended.then(() => ended.abort())
  if (!(await healthy(url, withinMs, ended.signal))) {
    await running.stop()
    throw new TargetError(`${failure}\n${running.lines.all.join('\n')}`)
  }
  let stopping = false
  return {
    name,
    url,
    fresh: true,
    lastLines: () => running.lines.all,
    death: new Promise((resolve) => {
      void running.ended.then((end) => stopping || resolve(end))
    }),
    stop: () => {
      stopping = true
      return running.stop()
    },
  }
}
