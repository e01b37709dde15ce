import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { count } from '../words/numbers.ts'
import { clockText, offsetAt } from '../words/times.ts'

export interface ChartProps {
  /** What it shows, in a sentence, for those who do not see it. */
  readonly label: string
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[]
  /** At most two lines; the second is dashed. */
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[]
}

/** Lines over time. Its figures are below it as a table, for those who do not see it or want the numbers. */
export function Chart(props: ChartProps) {
  const canvas = useRef<HTMLDivElement>(null)
  const [place, setPlace] = useState<number>()
  const key = JSON.stringify(props)
  // the key stands for all that is drawn
  useEffect(() => (canvas.current ? draw(canvas.current, props, setPlace) : undefined), [key])
  return (
    <figure class="chart">
      <figcaption>
        <Legend {...props} place={place} />
      </figcaption>
      <div class="chart-canvas" ref={canvas} role="img" aria-label={props.label} />
      <Figures {...props} />
    </figure>
  )
}

const seriesNames = ['a', 'b'] as const

function Legend({ times, lines, place }: ChartProps & { readonly place: number | undefined }) {
  const at = place === undefined ? undefined : times[place]
  return (
    <ul class="legend">
      {lines.map(({ name, values }, line) => (
        <li data-series={seriesNames[line]} key={name}>
          {name}
          {place !== undefined && <b class="number">{count(values[place] ?? 0)}</b>}
        </li>
      ))}
      {at !== undefined && <span class="soft number">{timeOf(at)}</span>}
    </ul>
  )
}

function Figures({ times, lines }: ChartProps) {
  return (
    <details>
      <summary>Show the figures</summary>
      <div class="table-wrap">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">From</th>
              {lines.map(({ name }) => (
                <th scope="col" data-align="end" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((at, place) => (
              <tr key={at}>
                <th scope="row">{timeOf(at)}</th>
                {lines.map(({ name, values }) => (
                  <td data-align="end" key={name}>
                    {count(values[place] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

/** A day begins with its date. */
function tickOf(seconds: number): string {
  const text = timeOf(seconds * 1_000)
  return text.endsWith('00:00') ? text.slice(5, 10) : text.slice(11)
}

const timeOf = (at: number): string => clockText(at, offsetAt(at)).slice(0, 16)

/** Draws, and again when the width or the colors change, until what it returns is called. */
function draw(
  element: HTMLElement,
  props: ChartProps,
  onPlace: (place: number | undefined) => void,
): () => void {
  let plot: uPlot | undefined
  const redraw = () => {
    plot?.destroy()
    plot = new uPlot(optionsFor(element, props, onPlace), dataOf(props), element)
  }
  redraw()
  const sizes = new ResizeObserver(() => {
    if (element.clientWidth !== plot?.width) plot?.setSize(sizeOf(element))
  })
  sizes.observe(element)
  const colors = window.matchMedia('(prefers-color-scheme: dark)')
  colors.addEventListener('change', redraw)
  const theme = new MutationObserver(redraw)
  theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    sizes.disconnect()
    theme.disconnect()
    colors.removeEventListener('change', redraw)
    plot?.destroy()
  }
}

function dataOf({ times, lines }: ChartProps): uPlot.AlignedData {
  return [times.map((at) => at / 1_000), ...lines.map(({ values }) => [...values])]
}

function sizeOf(element: HTMLElement) {
  return { width: element.clientWidth, height: element.clientHeight }
}

function optionsFor(
  element: HTMLElement,
  { lines }: ChartProps,
  onPlace: (place: number | undefined) => void,
): uPlot.Options {
  const colorOf = colorsOf(element)
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  const axis = {
    stroke: colorOf('--ink-soft'),
    font: `${0.75 * rem}px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: colorOf('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    scales: { y: { range: (_, _least, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 5.25 * rem,
        size: 2 * rem,
        values: (_, all) => all.map(tickOf),
      },
      { ...axis, size: 3 * rem, incrs, values: (_, all) => all.map(short) },
    ],
    series: [{}, ...lines.map(({ name }, line) => seriesOf(name, line, colorOf))],
    hooks: { setCursor: [({ cursor }) => onPlace(cursor.idx ?? undefined)] },
  }
}

function seriesOf(label: string, line: number, colorOf: (name: string) => string): uPlot.Series {
  const stroke = colorOf(`--series-${seriesNames[line] ?? 'a'}`)
  const area = { fill: `color-mix(in srgb, ${stroke} 10%, transparent)` }
  return {
    label,
    stroke,
    width: 1.75,
    points: { show: false },
    ...(line === 0 ? area : { dash: [5, 4] }),
  }
}

/** Whole numbers only. */
const incrs = Array.from({ length: 10 }, (_, n) => [1, 2, 5].map((step) => step * 10 ** n)).flat()

const compact = new Intl.NumberFormat('en-US', { notation: 'compact' })
const short = (value: number): string => compact.format(value)

/** What a custom property is now, as a canvas can use it. */
function colorsOf(element: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('span')
    probe.style.color = `var(${name})`
    element.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
}
