import type { DeploymentView, SessionView } from 'heliograph/console/api'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { type Loaded, useLoaded } from '../data/use-loaded.ts'

/** Which deployment the console shows, for all views. */
export interface Surroundings {
  readonly session: Loaded<SessionView>
  readonly deployment: Loaded<DeploymentView>
}

const Context = createContext<Surroundings | undefined>(undefined)

export const ProvideSurroundings = Context.Provider

export function useReadSurroundings(): Surroundings {
  const session = useLoaded('GET /api/session', {})
  const deployment = useLoaded('GET /api/deployment', {})
  return { session, deployment }
}

export function useSurroundings(): Surroundings {
  const surroundings = useContext(Context)
  if (!surroundings) throw new Error('a view is outside of the shell')
  return surroundings
}

export function useDeployment(): DeploymentView | undefined {
  return useSurroundings().deployment.value
}
