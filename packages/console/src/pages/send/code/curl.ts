import { headersOf, type SendRequest } from './request.ts'

/** As docs/clients/curl.md: the exact request, byte for byte. */
export function curlCommand(request: SendRequest): string {
  const { url, privateAuthority, credential, token, payload } = request
  const path = `${url}/3/device/${encodeURIComponent(token)}`
  const identity =
    credential.kind === 'certificate'
      ? '--cert app.pem --key app.key'
      : '-H "authorization: bearer $PROVIDER_TOKEN"'
  const parts = [
    `curl --http2 -i${privateAuthority ? ' --cacert ca.pem' : ''} ${identity}`,
    ...headersOf(request).map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    `--data-raw ${shellWord(payload)}`,
    shellWord(path),
  ]
  return parts.join(' \\\n  ')
}

/** One word of a shell, whatever is in it. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
