import { Agent, request } from 'node:http'

/**
 * One HTTP request with a notification's size and nothing around it: the unit that the processor
 * time of the functions is compared with, so that a slower machine changes both.
 */
const agent = new Agent({ keepAlive: true })
const { hostname: host, port } = new URL(process.env.AWS_ENDPOINT_URL ?? '')
const headers = { 'content-type': 'application/json', 'x-amz-target': 'Bench.Post' }

export const handler = (event: object): Promise<{ statusCode: number | undefined }> => {
  const body = JSON.stringify(event)
  return new Promise((resolve, reject) => {
    const call = request({ host, port, agent, method: 'POST', path: '/', headers }, (response) => {
      response.resume()
      response.once('end', () => resolve({ statusCode: response.statusCode }))
    })
    call.once('error', reject)
    call.end(body)
  })
}
