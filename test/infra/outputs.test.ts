import type { Template } from 'aws-cdk-lib/assertions'
import { expect, test } from 'vitest'
import { prodContext, prodTarget, templatesOf } from './app.ts'

/** Commands and tests find a stage by these; to take one away or rename it breaks them. */
const outputs = {
  state: [
    'ActivationsTable',
    'AnnouncementDeadLetters',
    'AnnouncementQueue',
    'AuthoritiesTable',
    'AuthorityFunction',
    'ChannelsTable',
    'ClaimsTable',
    'CountedTopics',
    'DeviceAuthorityKey',
    'DevicesTable',
    'EventDeadLetters',
    'EventSettings',
    'EventTopic',
    'FeedbackTable',
    'IotEndpoint',
    'NotificationDeadLetters',
    'NotificationQueue',
    'OutcomeDeadLetters',
    'OutcomeQueue',
    'PendingTable',
    'ProviderAuthorityKey',
    'ProviderKeysTable',
    'ProvidersTable',
    'ReceiptSettings',
    'ReceiptsTable',
    'RegistrationsTable',
    'RotateFunction',
    'RuleErrors',
    'SlotQueue',
    'TokenKeysTable',
    'TokenWrapKey',
    'TrustBucket',
    'TruststoreKey',
  ],
  providers: [
    'AcceptFunction',
    'AnnounceFunction',
    'ChannelFunction',
    'DeliverFunction',
    'FeedbackFunction',
    'ProviderDomainTarget',
    'ProviderUrl',
    'ReceiptFunction',
    'RecordFunction',
    'TokenDomainTarget',
    'TokenUrl',
    'TruststoreVersion',
  ],
  devices: [
    'ActivateFunction',
    'ActivationUrl',
    'ConnectFunction',
    'DevicePolicy',
    'ExpireFunction',
    'RegisterFunction',
    'RenewFunction',
    'UnregisterFunction',
  ],
} as const

const templates = templatesOf(prodContext, prodTarget)

test.each(['state', 'providers', 'devices'] as const)('the %s stack tells its parts', (part) => {
  expect(namesOf(templates[part])).toEqual(outputs[part])
})

test('an output has the same name in every stage', () => {
  const local = templatesOf()
  for (const part of ['state', 'providers', 'devices'] as const)
    expect(namesOf(local[part])).toEqual(outputs[part])
})

test('urls are complete', () => {
  expect(templates.providers.toJSON().Outputs.ProviderUrl.Value).toBe('https://push.example.com')
  const activation = JSON.stringify(templates.devices.toJSON().Outputs.ActivationUrl.Value)
  expect(activation).toMatch(/\/activate"/)
})

/** Exports that CDK makes for other stacks are not meant for people. */
function namesOf(template: Template): string[] {
  const all = Object.keys(template.toJSON().Outputs ?? {})
  return all.filter((name) => !name.startsWith('ExportsOutput')).sort()
}
