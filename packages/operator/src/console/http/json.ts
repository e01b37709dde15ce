/**
 * JSON as it goes to the page. What devices and providers wrote is in it as they wrote it; a `<` is escaped all the same, so that
 * nothing in it can ever be taken for markup.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}
