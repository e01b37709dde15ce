import {
  type IoTDataPlaneClient,
  type IoTDataPlaneServiceException,
  ResourceNotFoundException,
  SendDirectMessageCommand,
} from '@aws-sdk/client-iot-data-plane'
import { probe } from '@heliograph/core/devices/probe'
import { systemWait, type Wait } from './patience.ts'

/**
 * Milliseconds between attempts: a role that was made a moment ago may not be known yet, and a service may be busy.
 */
export const probePauses: readonly number[] = [2_000, 4_000, 8_000, 16_000]

/**
 * Asks IoT Core to send a direct message to a client that does not exist. If the operation exists,
 * the answer says that the client does not; a region without it answers something else. Returns
 * undefined if the operation exists, otherwise the answer. Only answers that may change a moment
 * later are retried; a 404 for the operation itself is not.
 */
export async function probeDirectMessages(
  client: IoTDataPlaneClient,
  wait: Wait = systemWait,
  pauses: readonly number[] = probePauses,
): Promise<string | undefined> {
  let answer = await ask(client)
  for (const pause of pauses) {
    if (!answer || answer.final) break
    await wait(pause)
    answer = await ask(client)
  }
  return answer?.text
}

interface OtherAnswer {
  readonly text: string
  /** Another attempt would be answered the same. */
  readonly final: boolean
}

/** Both are 404: "ResourceNotFoundException" is the operation's own, and an unknown operation has another name. */
async function ask(client: IoTDataPlaneClient): Promise<OtherAnswer | undefined> {
  const message = { ...probe, payload: new Uint8Array() }
  try {
    await client.send(new SendDirectMessageCommand({ ...message, confirmation: true, timeout: 1 }))
    return undefined
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return undefined
    return otherAnswer(fault as Error & Partial<IoTDataPlaneServiceException>)
  }
}

function otherAnswer({
  name,
  message,
  $metadata,
}: Error & Partial<IoTDataPlaneServiceException>): OtherAnswer {
  return {
    text: message && message !== name ? `${name}: ${message}` : name,
    final: $metadata?.httpStatusCode === 404,
  }
}

/** One sentence for anyone who deploys or operates a stage in a region that lacks the operation, or seems to. */
export function withoutDirectMessages(region: string, answer: string): string {
  return `IoT Core in ${region} does not support direct messages, without which nothing can be delivered (SendDirectMessage answered ${answer}): deploy to a region that has the operation, or deploy again if this one has it`
}
