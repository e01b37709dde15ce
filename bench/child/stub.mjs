/**
 * Answers every AWS call of the functions at once with a fixed text, in a process of its own. Plain
 * JavaScript, so that it starts without a TypeScript loader.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const answers = new Map(
  Object.entries(JSON.parse(readFileSync(process.argv[2], 'utf8'))).map(([name, value]) => [
    name,
    Buffer.from(JSON.stringify(value)),
  ]),
)
const nothing = Buffer.from('{}')

function nameOf(request, body) {
  const target = request.headers['x-amz-target']
  if (target === undefined) return request.url.split('?')[0].split('/').pop()
  const action = target.split('.')[1]
  return action === 'GetItem' ? `GetItem ${JSON.parse(body).TableName}` : action
}

const calls = {}
const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const name = nameOf(request, Buffer.concat(chunks))
    calls[name] = (calls[name] ?? 0) + 1
    const body = answers.get(name) ?? nothing
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': body.length,
      'x-amzn-requestid': '00000000-0000-4000-8000-000000000000',
    })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send({ calls }))
process.on('disconnect', () => process.exit(0))
