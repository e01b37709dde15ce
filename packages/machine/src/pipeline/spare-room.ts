import { statfs } from 'node:fs/promises'
import type { Receipts } from '@heliograph/core/ports'
import { MachineError } from '../failure.ts'

/** The part of a disk that receipts leave to notifications: what a provider sends must not fill it. */
const SPARE_PART = 0.05

/** Bytes of the disk of a folder. */
export interface Room {
  readonly free: number
  readonly total: number
}

export async function roomOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { free: bavail * bsize, total: blocks * bsize }
}

/** Refuses receipts if the disk has little room left. */
export function withinRoom(
  receipts: Pick<Receipts, 'write'>,
  room: () => Promise<Room>,
): Pick<Receipts, 'write'> {
  return {
    async write(outcomes) {
      const { free, total } = await room()
      if (free < total * SPARE_PART)
        throw new MachineError(
          `less than ${SPARE_PART * 100} % of the disk is free: free space on it, or set receipts to exceptions or off`,
        )
      await receipts.write(outcomes)
    },
  }
}
