import type { CertificateName, Sessions, Setting } from '../conformance/setting.ts'
import { type Seen, type Silence, send } from '../conformance/wire.ts'
import { random } from '../simulate/random.ts'
import { type FuzzRequest, type Ground, generate } from './generate.ts'
import type { Failure, FuzzReport } from './in-process.ts'
import { verdict } from './verdict.ts'

const certificateNames = { several: 'any', single: 'cert-single' } as const satisfies Record<
  FuzzRequest['certificate'],
  CertificateName
>

/** Requests under way at a time, over the connections of both certificates. */
const AT_ONCE = 32

/** Requests over HTTP/2 to a target that runs. */
export async function fuzzOverTheWire(
  seed: number,
  requests: number,
  setting: Setting,
  sessions: Sessions,
  onProgress: (done: number) => void = () => {},
): Promise<FuzzReport> {
  const chance = random(seed)
  const ground = await groundOf(setting)
  const answers = new Map<string, number>()
  let next = 0
  let failure: Failure | undefined
  const work = async () => {
    while (next < requests && !failure) {
      const index = next
      next += 1
      const request = generate(chance, ground)
      const { name, faults } = verdictOf(request, await sendOne(request, setting, sessions))
      answers.set(name, (answers.get(name) ?? 0) + 1)
      if (faults.length > 0) failure ??= { index, request, faults }
      if (index % 1_000 === 0) onProgress(index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { requests: next, answers, ...(failure && { failure }) }
}

function verdictOf(request: FuzzRequest, seen: Seen | Silence) {
  if ('silence' in seen) return { name: 'no answer', faults: [seen.silence] }
  return verdict(request, seen)
}

async function sendOne(
  request: FuzzRequest,
  setting: Setting,
  sessions: Sessions,
): Promise<Seen | Silence> {
  const name = certificateNames[request.certificate]
  return send(sessions.of(name, await setting.certificate(name)), request)
}

async function groundOf(setting: Setting): Promise<Ground> {
  const topics = [setting.topic, `${setting.topic}.voip`] as const
  const tokens = new Map<string, string>()
  for (const state of ['live', 'dead'] as const)
    for (const topic of topics)
      tokens.set(`${state} ${topic}`, (await setting.token(state, topic)) ?? '')
  return { topics, token: (state, topic) => tokens.get(`${state} ${topic}`) ?? '' }
}
