import aws4 from 'aws4'
import type { AwsDeployment } from '../../packages/operator/src/aws-stage.ts'

export interface SignedCall {
  /** The signing name, for example `monitoring`; also the host's first label. */
  readonly service: string
  readonly path: string
  /** Of a POST as a form; absent: a GET. */
  readonly form?: URLSearchParams
}

/** The answer of an AWS service of which this project has no client, with the caller's own credentials. */
export async function signedCall(
  { clients, outputs }: Pick<AwsDeployment, 'clients' | 'outputs'>,
  { service, path, form }: SignedCall,
): Promise<string> {
  const [, , , region = ''] = outputs.ProviderAuthorityKey.split(':')
  const host = `${service}.${region}.amazonaws.com`
  const body = form?.toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const request = {
    ...{ service, region, host, path, method: body === undefined ? 'GET' : 'POST' },
    ...(body !== undefined && { body, headers }),
  }
  const signed = aws4.sign(request, await clients.cloudFormation.config.credentials())
  const answer = await fetch(`https://${host}${path}`, {
    method: request.method,
    headers: plain(signed.headers ?? {}),
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  if (answer.ok) return text
  throw new Error(`${service} answers ${answer.status}: ${text}`)
}

/** `fetch` sets these two itself. */
function plain(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = Object.keys(headers).filter((name) => !/^(host|content-length)$/i.test(name))
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]))
}

/** The texts of an element, wherever it is in an answer in XML. */
export function textsOf(xml: string, element: string): string[] {
  const found = xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))
  return [...found].map(([, text = '']) => unescaped(text))
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#xD;': '\r',
  '&amp;': '&',
}

function unescaped(text: string): string {
  return text.replace(/&(?:lt|gt|quot|apos|#xD|amp);/g, (entity) => entities[entity] ?? entity)
}
