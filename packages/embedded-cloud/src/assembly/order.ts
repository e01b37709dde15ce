import { CloudStartError } from '../cloud-start-error.ts'

/**
 * Every name after the names it depends on; among equals the given order is kept.
 * A circle is an error that prints the circle; `what` says what the names are.
 */
export function inOrder(
  names: readonly string[],
  dependenciesOf: (name: string) => readonly string[],
  what: string,
): string[] {
  const ordered: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return
    if (path.includes(name)) throw circle([...path.slice(path.indexOf(name)), name], what)
    for (const dependency of dependenciesOf(name)) visit(dependency, [...path, name])
    done.add(name)
    ordered.push(name)
  }
  for (const name of names) visit(name, [])
  return ordered
}

function circle(path: readonly string[], what: string): CloudStartError {
  return new CloudStartError(`The ${what} depend on each other in a circle: ${path.join(' -> ')}.`)
}
