/** A service as the lean clients reach it. */
export interface ServiceName {
  /** SigV4's name of the service. */
  readonly signing: string
  /** The end of `AWS_ENDPOINT_URL_<…>` (AWS SDKs reference guide, "Service-specific endpoints"). */
  readonly variable: string
  /** The part of the host name before the region. */
  readonly host: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where a service is: the given address, otherwise what the environment names, otherwise the regional
 * endpoint. Not known here are FIPS and dual-stack endpoints, the isolated and the European sovereign
 * partitions, and IoT's endpoint in Beijing, which is named by another rule.
 */
export function endpointOf(
  service: ServiceName,
  given: string | undefined,
  environment: Environment,
): URL {
  const named = environment[`AWS_ENDPOINT_URL_${service.variable}`] || environment.AWS_ENDPOINT_URL
  return new URL(given || named || `https://${regionalHost(service, environment)}`)
}

/** Lambda gives every function its region. */
export function regionOf({ AWS_REGION: region }: Environment): string {
  if (region) return region
  throw new Error('the environment names no AWS_REGION: this bundle is for Lambda functions')
}

function regionalHost({ host, variable }: ServiceName, environment: Environment): string {
  const region = regionOf(environment)
  const special =
    environment.AWS_USE_FIPS_ENDPOINT === 'true' ||
    environment.AWS_USE_DUALSTACK_ENDPOINT === 'true' ||
    /^eusc-|-iso/.test(region) ||
    (host === 'data-ats.iot' && region === 'cn-north-1')
  if (special)
    throw new Error(
      `the lean clients do not know this endpoint in ${region}: set AWS_ENDPOINT_URL_${variable}`,
    )
  return `${host}.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`
}
