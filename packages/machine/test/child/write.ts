import { openStore } from '../../src/store/store.ts'
import { slotAt } from '../slots.ts'

/**
 * Stores one notification after the other, several at a time, and prints the number of each that the store has
 * taken. When it is refused, it says so and goes on by one when it is told to.
 */
const [folder = '', first = '0'] = process.argv.slice(2)
const key = Buffer.from(process.env.KEY ?? '', 'hex')
const AT_ONCE = 8
const store = await openStore({ folder, key })
let next = Number(first)
let refusal: string | undefined

async function write(): Promise<void> {
  const number = next
  next += 1
  await store.pending.put(slotAt(number), 0)
  process.stdout.write(`${number}\n`)
}

async function writeOn(): Promise<void> {
  while (refusal === undefined)
    await write().catch((fault: Error) => {
      refusal = fault.message
    })
}

await Promise.all(Array.from({ length: AT_ONCE }, writeOn))
process.stdout.write(`refused ${refusal}\n`)
const taken = slotAt(Number(first))
const there = await store.pending.find(taken.deviceId, taken.topic)
process.stdout.write(`read ${there?.id === taken.id}\n`)
process.stdin.once('data', async () => {
  await write()
  await store.close()
  process.exit(0)
})
