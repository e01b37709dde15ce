/** The lines that a metric filter with a JSON pattern would not read: those that are no JSON object as a whole. */
export function notJsonObjects(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !isJsonObject(line))
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
