import type { Fleet } from '@heliograph/core/ports'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import {
  type EmptyEvent,
  type EmptyStagePorts,
  emptyOnDelete,
  ROUND_MS,
} from '../../lambdas/empty/handler.ts'

function setting(status: string, holders: string[]) {
  const handed: EmptyEvent[] = []
  let now = 0
  const fleet: Fleet = {
    holders: async () => holders.slice(0, 1),
    async release(holder) {
      now += ROUND_MS / 2
      holders.splice(holders.indexOf(holder), 1)
      return true
    },
    devices: async () => ({ some: [] }),
    remove: async () => {},
    removePolicy: async () => true,
  }
  const ports: EmptyStagePorts = {
    clock: { now: () => now },
    wait: async () => {},
    fleet,
    stackStatus: async () => status,
    goOn: async (event) => void handed.push(event),
  }
  return { ports, handed }
}

const event = (RequestType: string) =>
  ({
    RequestType,
    LogicalResourceId: 'StageDevices',
    PhysicalResourceId: 'made',
    StackId: 'stack',
  }) as CloudFormationCustomResourceEvent

describe('the devices of a stage', () => {
  test.each([
    ['Create', 'CREATE_IN_PROGRESS'],
    ['Update', 'UPDATE_IN_PROGRESS'],
    // the resource has left the template, for example as the stage is now to keep its data
    ['Delete', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'],
    ['Delete', 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'],
    ['Delete', 'UNKNOWN'],
  ])('stay at a %s while the stack is in %s', async (type, status) => {
    const holders = ['one']
    const { ports } = setting(status, holders)
    expect(await emptyOnDelete(event(type), ports)).not.toBe('later')
    expect(holders).toEqual(['one'])
  })

  test.each(['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'])('go in %s', async (status) => {
    const holders = ['one']
    const { ports } = setting(status, holders)
    expect(await emptyOnDelete(event('Delete'), ports)).toEqual({ physicalId: 'made' })
    expect(holders).toEqual([])
  })

  test('that are too many for one execution are left to the next', async () => {
    const holders = ['one', 'two', 'three']
    const { ports, handed } = setting('DELETE_IN_PROGRESS', holders)
    expect(await emptyOnDelete(event('Delete'), ports)).toBe('later')
    expect(holders).toEqual(['three'])
    const [next] = handed
    expect(next).toMatchObject({ RequestType: 'Delete', emptying: { certificates: 2 } })
    expect(next && (await emptyOnDelete(next, ports))).toEqual({ physicalId: 'made' })
    expect(holders).toEqual([])
  })
})
