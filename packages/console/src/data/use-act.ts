import { useState } from 'preact/hooks'
import { type Fault, toFault } from './call.ts'
import { reportFault } from './session.ts'

/** Something that a person starts: whether it runs, and why it failed the last time. */
export interface Act<Argument> {
  readonly busy: boolean
  readonly fault?: Fault
  readonly run: (argument: Argument) => Promise<void>
  readonly forget: () => void
}

/** One at a time: a second click while it runs does nothing. */
export function useAct<Argument = void>(
  work: (argument: Argument) => Promise<void>,
): Act<Argument> {
  const [state, setState] = useState<{ busy: boolean; fault?: Fault }>({ busy: false })
  const run = async (argument: Argument) => {
    if (state.busy) return
    setState({ busy: true })
    try {
      await work(argument)
      setState({ busy: false })
    } catch (thrown) {
      const fault = toFault(thrown)
      reportFault(fault)
      setState({ busy: false, fault })
    }
  }
  return { ...state, run, forget: () => setState({ busy: false }) }
}
