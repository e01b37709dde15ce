export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Pixels of one column and one row of CloudWatch's grid of 24 columns. */
const COLUMN = 50
const ROW = 38
const GAP = 10
/** Pixels above the widgets, for the title. */
export const HEAD = 64

export const WIDTH = 24 * COLUMN + GAP

/** Where a widget is in the picture. */
export function placed({ x, y, width, height }: Box): Box {
  return {
    x: GAP + x * COLUMN,
    y: HEAD + y * ROW,
    width: width * COLUMN - GAP,
    height: height * ROW - GAP,
  }
}

/** The picture's height for these widgets. */
export function heightOf(widgets: readonly Box[]): number {
  return HEAD + Math.max(0, ...widgets.map(({ y, height }) => y + height)) * ROW
}

/** Pixels that a text takes in a sans-serif font of this size, a little more rather than less. */
export function textWidth(text: string, size: number): number {
  return text.length * size * 0.56
}

/** A text that fits, cut with an ellipsis where it does not. */
export function fitted(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text
  const letters = Math.max(1, Math.floor(width / (size * 0.56)) - 1)
  return `${text.slice(0, letters).trimEnd()}…`
}

export interface LegendEntry<T> {
  readonly item: T
  readonly x: number
  readonly row: number
}

/** Puts labels one after another, in rows of this width. */
export function legend<T extends { readonly label: string }>(
  items: readonly T[],
  size: number,
  width: number,
): LegendEntry<T>[] {
  const entries: LegendEntry<T>[] = []
  let [x, row] = [0, 0]
  for (const item of items) {
    const wide = KEY + textWidth(item.label, size) + SPACE
    if (x > 0 && x + wide - SPACE > width) [x, row] = [0, row + 1]
    entries.push({ item, x, row })
    x += wide
  }
  return entries
}

/** Pixels of a legend's color mark with its gap, and between two entries. */
export const KEY = 11
const SPACE = 10

/** Round marks for an axis from 0 that holds `maximum`: 2 to 5 steps of 1, 2 or 5 times a power of ten. */
export function ticks(maximum: number): number[] {
  const rough = (maximum > 0 ? maximum : 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough
  const count = Math.ceil((maximum > 0 ? maximum : 1) / step)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)))
}
