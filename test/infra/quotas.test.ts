import { describe, expect, test } from 'vitest'
import { judgedStages } from '../../tools/templates/stages.ts'
import { prodTarget, templatesOf } from './app.ts'
import { quotas, type TemplateDocument } from './quotas.ts'

/** The longest names that there are, in the stage that has the most resources. */
const longest = {
  ...judgedStages.watched,
  ...judgedStages.zoned,
  removal: 'destroy',
  stage: 'abcdefghijklmnop',
}

const faultsIn = (template: TemplateDocument) => quotas.flatMap(({ faults }) => faults(template))

describe.each(Object.entries({ ...judgedStages, longest }))('the stage %s', (_name, context) => {
  const templates = templatesOf(context, prodTarget)

  test.each(Object.entries(templates))('stays within every limit in %s', (_stack, template) => {
    expect(faultsIn(template.toJSON() as TemplateDocument)).toEqual([])
  })
})

describe('a limit', () => {
  test.each(quotas.map((quota) => [quota.what, quota] as const))('is seen: %s', (_what, quota) => {
    expect(quota.faults(quota.planted)).not.toEqual([])
    expect(quota.faults({ Resources: {} })).toEqual([])
  })

  test('has a page of its own of the documentation, and is there once', () => {
    for (const { page } of quotas)
      expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\S+\.html$/)
    const names = quotas.map(({ what }) => what)
    expect(names).toEqual([...new Set(names)])
  })

  test('counts what is known only at deployment as long as it may be', () => {
    const policy = (Resource: unknown) =>
      ({
        Resources: {
          Policy: {
            Type: 'AWS::IoT::Policy',
            Properties: { PolicyDocument: { Statement: Array(14).fill({ Resource }) } },
          },
        },
      }) as TemplateDocument
    expect(faultsIn(policy('arn:aws:iot'))).toEqual([])
    const [fault] = faultsIn(policy({ 'Fn::GetAtt': ['Table', 'StreamArn'] }))
    expect(fault).toMatch(/^Policy PolicyDocument is .*: at most 2048 characters$/)
  })
})
