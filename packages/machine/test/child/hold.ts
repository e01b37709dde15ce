import { openStore } from '../../src/store/store.ts'

/** Tries to open the store of a folder, says what came of it, and again for every message. */
const [folder = ''] = process.argv.slice(2)
const key = Buffer.from(process.env.KEY ?? '', 'hex')

async function tryOnce(): Promise<void> {
  const said = await openStore({ folder, key }).then(
    () => 'open',
    (fault: Error) => fault.message,
  )
  process.send?.(said)
}

process.on('message', tryOnce)
await tryOnce()
