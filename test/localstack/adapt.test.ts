import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/embedded-cloud/src/assembly/json.ts'
import { adaptTemplate, leftOut } from '../../tools/emulators/adapt.ts'
import { templatesOf } from '../infra/app.ts'

const around = { iotEndpoint: 'http://127.0.0.1:1', caFile: '/state/ca.pem' }
const templates = Object.values(templatesOf()).map((template) => template.toJSON() as JsonObject)
const adapted = templates.map((template) => adaptTemplate(template, around))

interface Resource {
  readonly Type: string
  /** As far as the assertions read it, of a function. */
  readonly Properties: {
    readonly FunctionName?: string
    readonly Code: JsonObject
    readonly Environment: { readonly Variables: Readonly<Record<string, string>> }
  }
}

function resourcesOf(all: readonly JsonObject[], type?: string): [string, Resource][] {
  const found = all.flatMap(({ Resources }) =>
    Object.entries(Resources as unknown as Record<string, Resource>),
  )
  return found.filter(([, { Type }]) => type === undefined || Type === type)
}

describe('a template as the emulator gets it', () => {
  test('has nothing that the emulator cannot make, and refers to nothing that is gone', () => {
    const ids = new Set(resourcesOf(adapted).map(([id]) => id))
    const gone = resourcesOf(templates).filter(([id]) => !ids.has(id))
    expect(gone.length).toBeGreaterThan(5)
    for (const [, { Type }] of resourcesOf(adapted)) expect(leftOut).not.toHaveProperty([Type])
    for (const [id] of gone) expect(JSON.stringify(adapted)).not.toContain(`"${id}"`)
  })

  test('keeps everything else as it goes to AWS, outputs included', () => {
    const unchanged = ['AWS::DynamoDB::Table', 'AWS::SQS::Queue', 'AWS::KMS::Key', 'AWS::IAM::Role']
    for (const type of unchanged)
      expect(resourcesOf(adapted, type)).toEqual(resourcesOf(templates, type))
    templates.forEach(({ Outputs: outputs = {} }, index) => {
      const kept = (adapted[index]?.Outputs ?? {}) as JsonObject
      expect(Object.keys(kept)).toEqual(Object.keys(outputs as JsonObject))
    })
  })

  test('has every function find IoT Core and the CA, with its own variables and code untouched', () => {
    const before = new Map(resourcesOf(templates, 'AWS::Lambda::Function'))
    const after = resourcesOf(adapted, 'AWS::Lambda::Function')
    expect(after).toHaveLength(before.size)
    for (const [id, { Properties }] of after) {
      const original = before.get(id)?.Properties
      expect(Properties.Code).toEqual(original?.Code)
      expect(Properties.Environment.Variables).toMatchObject({
        ...original?.Environment.Variables,
        AWS_ENDPOINT_URL_IOT: around.iotEndpoint,
        AWS_ENDPOINT_URL_IOT_DATA_PLANE: around.iotEndpoint,
        AWS_CA_BUNDLE: around.caFile,
      })
    }
  })

  test('lets the functions behind custom resources, and no others, answer over http', () => {
    const patched = resourcesOf(adapted, 'AWS::Lambda::Function').filter(([, { Properties }]) =>
      Properties.Environment.Variables.NODE_OPTIONS?.includes('--import=data:'),
    )
    const names = patched.map(([, { Properties }]) => Properties.FunctionName)
    expect(names.sort()).toEqual([
      'heliograph-local-authority',
      'heliograph-local-empty',
      'heliograph-local-endpoint',
      'heliograph-local-rotate',
    ])
  })
})
