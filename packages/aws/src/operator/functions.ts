import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'

/** Invokes a function and waits for its answer; a fault inside it is thrown with its own words. */
export async function invoke(client: LambdaClient, name: string, event: object): Promise<unknown> {
  const { FunctionError: fault, Payload: payload } = await client.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }),
  )
  const answer: unknown = payload?.length ? JSON.parse(Buffer.from(payload).toString('utf8')) : null
  if (fault) throw new Error(`function ${name} failed: ${messageOf(answer)}`)
  return answer
}

/** Passes on an event without waiting: if it fails, Lambda retries. */
export async function invokeLater(
  client: LambdaClient,
  name: string,
  event: unknown,
): Promise<void> {
  const Payload = JSON.stringify(event)
  await client.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload }))
}

function messageOf(answer: unknown): string {
  const { errorMessage } = (answer ?? {}) as { readonly errorMessage?: unknown }
  return typeof errorMessage === 'string' ? errorMessage : 'no reason given'
}
