/** 16 by 16, drawn with the text's color. */
const paths = {
  alert: 'M8 2 1.5 13.5h13L8 2Zm0 4.5v3.2M8 11.9v.1',
  bell: 'M3.5 11.5h9L11.3 9.7V7a3.3 3.3 0 0 0-6.6 0v2.7L3.5 11.5ZM6.6 13.8h2.8',
  check: 'm3 8.5 3.2 3.2L13 5',
  'check-circle': 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM5.3 8.2l1.9 1.9 3.6-3.9',
  clock: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM8 4.8V8l2.2 1.6',
  copy: 'M6 5.8h6.2v7.4H6zM10 5.8V2.8H3.8v7.4H6',
  cross: 'm4 4 8 8m0-8-8 8',
  'cross-circle': 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM6 6l4 4m0-4-4 4',
  device: 'M4.5 1.8h7v12.4h-7zM7.2 11.9h1.6',
  doctor: 'M1.8 8h2.7l1.8-4.6L9 12.6l1.9-4.6h3.3',
  down: 'M8 2.5v8m0 0L4.8 7.3M8 10.5l3.2-3.2M3 13.5h10',
  info: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM8 7.4v3.4M8 5.2v.1',
  key: 'M5.3 13.2a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Zm2-4.8 5.4-5.4m-2 2 1.8 1.8',
  letter: 'M2 3.8h12v8.4H2zM2.4 4.2 8 8.8l5.6-4.6',
  live: 'M8 9.4a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8ZM4.8 11.2a4.5 4.5 0 0 1 0-6.4m6.4 0a4.5 4.5 0 0 1 0 6.4M2.7 13.3a7.5 7.5 0 0 1 0-10.6m10.6 0a7.5 7.5 0 0 1 0 10.6',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  minus: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4ZM5.3 8h5.4',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z',
  overview: 'M2.2 13.8V8.6m3.9 5.2V3.4m3.9 10.4V6.2m3.8 7.6V9.8',
  pause: 'M5.5 3.5v9m5-9v9',
  play: 'M4.8 3v10l8-5-8-5Z',
  provider: 'M2.5 2.8h11v4h-11zM2.5 9.2h11v4h-11zM5 4.8h.1M5 11.2h.1',
  refresh: 'M13.2 6.5A5.5 5.5 0 1 0 13.5 9M13.4 2.8v3.8H9.6',
  screen: 'M2 3h12v8H2zM6 13.5h4',
  search: 'M7 11.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6ZM10.5 10.5 14 14',
  send: 'M14 2 7 9m7-7-4.4 12L7 9 2 6.4 14 2Z',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.5v1.4m0 10.2v1.4M1.5 8h1.4m10.2 0h1.4M3.4 3.4l1 1m7.2 7.2 1 1m0-9.2-1 1m-7.2 7.2-1 1',
  token: 'M2 5h12v6H2zM5 5v6m2.5-3h4',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}
