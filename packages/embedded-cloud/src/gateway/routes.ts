import type { GatewayRoute } from './options.ts'

/** The route of a request and what its path variables hold. */
export interface RouteMatch {
  readonly route: GatewayRoute
  /** `POST /a/{name}` or `$default`, as AWS writes it. */
  readonly routeKey: string
  readonly pathParameters: Readonly<Record<string, string>>
}

/** Finds the route of a request; the path is decoded and without the stage. */
export type Router = (method: string, path: string) => RouteMatch | undefined

interface Pattern {
  readonly route: GatewayRoute
  readonly routeKey: string
  readonly segments: readonly Segment[]
}

type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable' | 'greedy'; readonly name: string }

/**
 * Routes as an HTTP API does ("Working with routes for HTTP APIs"): a full match before a greedy one,
 * the more specific first, a method before `ANY`, and `$default` for whatever is left.
 * @throws when a path is not one that API Gateway accepts.
 */
export function createRouter(routes: readonly GatewayRoute[]): Router {
  const fallback = routes.find((route) => route.path === '$default')
  const patterns = routes.filter((route) => route.path !== '$default').map(toPattern)
  patterns.sort(moreSpecificFirst)
  return (method, path) => {
    const parts = path.split('/').slice(1)
    for (const pattern of patterns) {
      const match = matchPattern(pattern, method, parts)
      if (match !== undefined) return match
    }
    return fallback && { route: fallback, routeKey: '$default', pathParameters: {} }
  }
}

function toPattern(route: GatewayRoute): Pattern {
  if (!route.path.startsWith('/')) {
    throw new Error(`The route path ${route.path} must begin with / or be $default.`)
  }
  const segments = route.path.split('/').slice(1).map(toSegment)
  if (segments.slice(0, -1).some((segment) => segment.kind === 'greedy')) {
    throw new Error(
      `In the route path ${route.path} only the last segment may be greedy ({name+}).`,
    )
  }
  return { route, routeKey: `${route.method} ${route.path}`, segments }
}

function toSegment(text: string): Segment {
  const variable = /^\{([^{}+]+)(\+?)\}$/.exec(text)
  if (variable === null) return { kind: 'text', text }
  return { kind: variable[2] === '+' ? 'greedy' : 'variable', name: variable[1] ?? '' }
}

const kindRank = { text: 0, variable: 1, greedy: 2 } as const

function moreSpecificFirst(a: Pattern, b: Pattern): number {
  for (let i = 0; i < Math.max(a.segments.length, b.segments.length); i++) {
    const difference = rankAt(a, i) - rankAt(b, i)
    if (difference !== 0) return difference
  }
  return Number(a.route.method === 'ANY') - Number(b.route.method === 'ANY')
}

function rankAt(pattern: Pattern, index: number): number {
  const segment = pattern.segments[index]
  return segment === undefined ? 3 : kindRank[segment.kind]
}

function matchPattern(
  pattern: Pattern,
  method: string,
  parts: readonly string[],
): RouteMatch | undefined {
  const { route, routeKey, segments } = pattern
  if (route.method !== 'ANY' && route.method !== method) return undefined
  if (!fitsLength(segments, parts.length)) return undefined
  const found: [string, string][] = []
  for (const [index, segment] of segments.entries()) {
    const part = segment.kind === 'greedy' ? parts.slice(index).join('/') : (parts[index] ?? '')
    if (segment.kind === 'text' ? part !== segment.text : part === '') return undefined
    if (segment.kind !== 'text') found.push([segment.name, part])
  }
  return { route, routeKey, pathParameters: Object.fromEntries(found) }
}

/** A greedy segment, always the last, takes one part or more. */
function fitsLength(segments: Pattern['segments'], parts: number): boolean {
  return segments.at(-1)?.kind === 'greedy' ? parts >= segments.length : parts === segments.length
}
