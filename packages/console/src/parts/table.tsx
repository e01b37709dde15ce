import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** Numbers stand one under the other. */
  readonly align?: 'end'
  /** Buttons, without a visible title. */
  readonly actions?: boolean
}

/** The first column names the row. Where there is no room for columns, each row is a card. */
export function Table<Row>(props: {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** Its columns fit on every screen. */
  readonly narrow?: boolean
}) {
  const { caption, columns, rows, keyOf, narrow = false } = props
  return (
    <div class="table-wrap">
      <table class="table" data-cards={!narrow} data-narrow={narrow}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, align, actions }) => (
              <th scope="col" data-align={align} key={title}>
                {actions ? <span class="unseen">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>{columns.map((column, place) => cellOf(column, row, place))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function cellOf<Row>({ title, cell, align, actions }: Column<Row>, row: Row, place: number) {
  if (place === 0)
    return (
      <th scope="row" key={title}>
        {cell(row)}
      </th>
    )
  if (actions)
    return (
      <td data-role="actions" key={title}>
        {cell(row)}
      </td>
    )
  return (
    <td data-align={align} data-label={title} key={title}>
      <div>{cell(row)}</div>
    </td>
  )
}

export interface Fact {
  readonly name: string
  readonly value: ComponentChildren
}

/** Names and values; a value that is not there takes no line. */
export function Facts({ of }: { readonly of: readonly (Fact | false | undefined)[] }) {
  return (
    <dl class="facts">
      {of.map(
        (fact) =>
          fact && (
            <>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </>
          ),
      )}
    </dl>
  )
}
