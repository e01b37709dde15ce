import type { ServerResponse } from 'node:http'
import { AwsError, answerJson, answerJsonError, notAuthorized } from '../answer.ts'
import type { Log, Service, ServiceRequest } from '../types.ts'
import { getMetricData } from './get-metric-data.ts'
import { embedded, filtered, type MetricFilter, matches } from './metric-filter.ts'
import { MetricStore } from './metric-store.ts'

/** CloudWatch, as far as it makes metrics of what functions log. */
export interface CloudWatch {
  readonly service: Service
  /** Counts what a filter finds in its log group from now on. */
  addFilter(filter: MetricFilter): void
  /** A line of a function's log. */
  hear(functionName: string, line: string): void
}

export function startCloudWatch(log: Log): CloudWatch {
  const store = new MetricStore()
  const filters = new Map<string, MetricFilter[]>()
  return {
    service: {
      signingNames: ['monitoring'],
      handle: async (request, response) => handle(store, request, response),
    },
    addFilter(filter) {
      if (!isKnown(filter, log)) return
      const group = filter.LogGroupName
      filters.set(group, [...(filters.get(group) ?? []), filter])
    },
    hear(functionName, line) {
      if (!line.startsWith('{')) return
      const now = Date.now()
      const group = `/aws/lambda/${functionName}`
      const found = filtered(filters.get(group) ?? [], group, line, now)
      for (const datum of [...found, ...embedded(line, now)]) store.add(datum)
    },
  }
}

/** A pattern of another form is no reason not to run the app; but who misses the metric should find out why. */
function isKnown({ FilterPattern: pattern }: MetricFilter, log: Log): boolean {
  try {
    matches(pattern, {})
    return true
  } catch {
    log('cloudwatch', `makes no metric of the filter pattern ${pattern}`)
    return false
  }
}

function handle(store: MetricStore, request: ServiceRequest, response: ServerResponse): void {
  try {
    const target = String(request.headers['x-amz-target'])
    const operation = target.slice(target.indexOf('.') + 1)
    if (operation !== 'GetMetricData')
      throw new AwsError(
        'UnknownOperationException',
        `The embedded CloudWatch has GetMetricData only, in the JSON protocol, and not ${operation}.`,
      )
    authorize(request)
    answerJson(response, getMetricData(store, parse(request.body)))
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    // what SDKs before the JSON protocol know the error by ("AWS Query compatible", Smithy)
    const code = error.code.replace(/Exception$/, '')
    answerJsonError(response, error, '1.0', { 'x-amzn-query-error': `${code};Sender` })
  }
}

/** IAM knows no resource for this action (Service Authorization Reference, "Amazon CloudWatch"). */
function authorize({ caller }: ServiceRequest): void {
  const action = 'cloudwatch:GetMetricData'
  if (caller.may(action, '*')) return
  throw new AwsError('AccessDenied', notAuthorized(caller.name, action, '*'), 403)
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = JSON.parse(body.toString('utf8'))
    if (typeof input === 'object' && input !== null) return input as Record<string, unknown>
  } catch {}
  throw new AwsError('SerializationException', 'The body is not a JSON object.')
}
