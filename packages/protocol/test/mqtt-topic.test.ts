import { expect, test } from 'vitest'
import { anyDownTopic, downTopics, upTopics } from '../src/mqtt-topic.ts'

test('a device publishes to the rule of its stage, under its own id', () => {
  expect(upTopics('prod', '0123456789abcdef')).toEqual({
    register: '$aws/rules/heliograph_prod_register/0123456789abcdef',
    connect: '$aws/rules/heliograph_prod_connect/0123456789abcdef',
    unregister: '$aws/rules/heliograph_prod_unregister/0123456789abcdef',
    renew: '$aws/rules/heliograph_prod_renew/0123456789abcdef',
  })
})

test('a policy that allows them all allows every topic down', () => {
  expect(anyDownTopic).toMatch(/^heliograph\/\*$/)
  const prefix = anyDownTopic.slice(0, -1)
  for (const topic of Object.values(downTopics)) expect(topic.startsWith(prefix), topic).toBe(true)
})
