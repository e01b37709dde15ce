/** An answer that API Gateway makes itself, without asking the function. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/**
 * Statuses and texts of HTTP APIs ("Troubleshooting issues with HTTP API Lambda integrations", "Quotas
 * for HTTP APIs"). 408 is this gateway's own: AWS does not say what a body that never ends gets.
 */
export const refusals = {
  badRequest: { status: 400, message: 'Bad Request' },
  notFound: { status: 404, message: 'Not Found' },
  bodyTooSlow: { status: 408, message: 'Request Timeout' },
  bodyTooLarge: { status: 413, message: 'Request Entity Too Large' },
  throttled: { status: 429, message: 'Too Many Requests' },
  headersTooLarge: { status: 431, message: 'Request Header Fields Too Large' },
  failed: { status: 500, message: 'Internal Server Error' },
  unavailable: { status: 503, message: 'Service Unavailable' },
} as const satisfies Record<string, Refusal>
