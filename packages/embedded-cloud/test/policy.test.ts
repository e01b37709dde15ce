import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allows, checkPolicy, type PolicyContext } from '../src/policy.ts'
import type { PolicyDocument, PolicyStatement } from '../src/types.ts'

const TOPIC = 'arn:aws:iot:us-east-1:000000000000:topic'

function policy(...statements: Partial<PolicyStatement>[]): PolicyDocument {
  const defaults = { Effect: 'Allow' } as const
  return {
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({
      ...defaults,
      ...('NotAction' in statement ? {} : { Action: 'iot:Publish' }),
      ...('NotResource' in statement ? {} : { Resource: '*' }),
      ...statement,
    })),
  }
}

const may = (
  document: PolicyDocument | PolicyDocument[],
  action: string,
  resource: string,
  context?: PolicyContext,
) => allows([document].flat(), { action, resource, context })

describe('statements', () => {
  it('nothing is allowed by default', () => {
    expect(allows([], { action: 'iot:Publish', resource: `${TOPIC}/a` })).toBe(false)
    expect(may(policy({ Resource: `${TOPIC}/b` }), 'iot:Publish', `${TOPIC}/a`)).toBe(false)
    expect(may(policy({ Action: 'iot:Receive' }), 'iot:Publish', `${TOPIC}/a`)).toBe(false)
  })

  it('a Deny wins, in whichever document and order it comes', () => {
    const allow = policy({})
    const deny = policy({ Effect: 'Deny', Resource: `${TOPIC}/a` })
    for (const documents of [
      [allow, deny],
      [deny, allow],
    ]) {
      expect(may(documents, 'iot:Publish', `${TOPIC}/a`)).toBe(false)
      expect(may(documents, 'iot:Publish', `${TOPIC}/b`)).toBe(true)
    }
  })

  it('one statement need not be in a list', () => {
    const document: PolicyDocument = {
      Statement: { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' },
    }
    expect(may(document, 'sqs:SendMessage', 'x')).toBe(true)
  })

  it('actions ignore case and take wildcards; resources do not ignore case', () => {
    const document = policy({ Action: ['IOT:pub*', 's3:Get?bject'], Resource: `${TOPIC}/A` })
    expect(may(document, 'iot:Publish', `${TOPIC}/A`)).toBe(true)
    expect(may(document, 's3:GetObject', `${TOPIC}/A`)).toBe(true)
    expect(may(document, 's3:GetBucket', `${TOPIC}/A`)).toBe(false)
    expect(may(document, 'iot:Publish', `${TOPIC}/a`)).toBe(false)
  })

  it('NotAction and NotResource match what their lists do not', () => {
    const document = policy({ NotAction: 'iot:Connect', NotResource: [`${TOPIC}/a`, `${TOPIC}/b`] })
    expect(may(document, 'iot:Publish', `${TOPIC}/c`)).toBe(true)
    expect(may(document, 'iot:Connect', `${TOPIC}/c`)).toBe(false)
    expect(may(document, 'iot:Publish', `${TOPIC}/b`)).toBe(false)
  })

  it('an action without resource needs a statement on *', () => {
    expect(may(policy({ Action: 'iot:ListThings' }), 'iot:ListThings', '*')).toBe(true)
    const narrow = policy({ Action: 'iot:ListThings', Resource: `${TOPIC}/*` })
    expect(may(narrow, 'iot:ListThings', '*')).toBe(false)
  })
})

describe('wildcards', () => {
  it.each([
    ['a*', 'a', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['**a', 'bba', true],
    ['a/+/#', 'a/+/#', true],
    ['a/+', 'a/b', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(may(policy({ Resource: pattern }), 'iot:Publish', text)).toBe(expected)
  })

  it('agree with regular expressions', () => {
    const pattern = text('ab*?')
    fc.assert(
      fc.property(pattern, text('ab'), (pattern, value) => {
        const source = pattern.replaceAll('*', '.*').replaceAll('?', '.')
        const expected = new RegExp(`^${source}$`).test(value)
        expect(may(policy({ Resource: pattern }), 'iot:Publish', value)).toBe(expected)
      }),
    )
  })

  it('take no exponential time', () => {
    const document = policy({ Resource: `${'*a'.repeat(40)}b` })
    const started = performance.now()
    expect(may(document, 'iot:Publish', 'a'.repeat(2000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

function text(letters: string) {
  return fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((all) => all.join(''))
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: policy variables look like this.
const CLIENT_ID = '${iot:ClientId}'

describe('variables', () => {
  const own = policy({ Resource: `${TOPIC}/${CLIENT_ID}/up` })

  it('become values of the request, whose names ignore case', () => {
    expect(may(own, 'iot:Publish', `${TOPIC}/me/up`, { 'iot:ClientId': 'me' })).toBe(true)
    expect(may(own, 'iot:Publish', `${TOPIC}/me/up`, { 'IOT:clientid': 'me' })).toBe(true)
    expect(may(own, 'iot:Publish', `${TOPIC}/you/up`, { 'iot:ClientId': 'me' })).toBe(false)
  })

  it('a value is no pattern: a client that calls itself * reaches nothing', () => {
    expect(may(own, 'iot:Publish', `${TOPIC}/you/up`, { 'iot:ClientId': '*' })).toBe(false)
    expect(may(own, 'iot:Publish', `${TOPIC}/*/up`, { 'iot:ClientId': '*' })).toBe(true)
    expect(may(own, 'iot:Publish', `${TOPIC}/you/up`, { 'iot:ClientId': '\u0000' })).toBe(false)
    expect(may(own, 'iot:Publish', `${TOPIC}/y/up`, { 'iot:ClientId': '\u0001' })).toBe(false)
  })

  it('a statement with a variable that the request lacks does not match, allow, deny or not', () => {
    expect(may(own, 'iot:Publish', `${TOPIC}//up`)).toBe(false)
    const inverse = policy({ NotResource: '${iot:ClientId}' })
    expect(may(inverse, 'iot:Publish', 'anything')).toBe(false)
    const denied = policy({}, { Effect: 'Deny', Resource: '${iot:ClientId}' })
    expect(may(denied, 'iot:Publish', 'anything')).toBe(true)
    expect(may(own, 'iot:Publish', `${TOPIC}/a/up`, { 'iot:ClientId': ['a', 'b'] })).toBe(false)
  })

  it('may have a default', () => {
    const document = policy({ Resource: "${aws:PrincipalTag/team, 'all'}" })
    expect(may(document, 'iot:Publish', 'all')).toBe(true)
    expect(may(document, 'iot:Publish', 'all', { 'aws:PrincipalTag/team': 'one' })).toBe(false)
  })

  it('${*}, ${?} and ${$} are the characters themselves', () => {
    const document = policy({ Resource: 'a${*}b${?}c${$}' })
    expect(may(document, 'iot:Publish', 'a*b?c$')).toBe(true)
    expect(may(document, 'iot:Publish', 'axbxc$')).toBe(false)
  })

  it('exist only in version 2012-10-17', () => {
    const { Statement } = own
    const context = { 'iot:ClientId': 'me' }
    expect(may({ Statement }, 'iot:Publish', `${TOPIC}/me/up`, context)).toBe(false)
    expect(may({ Statement }, 'iot:Publish', `${TOPIC}/${CLIENT_ID}/up`)).toBe(true)
  })

  it('a thing attribute is a variable too', () => {
    const document = policy({ Resource: '${iot:Connection.Thing.Attributes[room]}' })
    const context = { 'iot:Connection.Thing.Attributes[room]': 'kitchen' }
    expect(may(document, 'iot:Publish', 'kitchen', context)).toBe(true)
  })
})

describe('conditions', () => {
  const holds = (
    operator: string,
    keys: Record<string, string | string[]>,
    context: PolicyContext = {},
  ) => may(policy({ Condition: { [operator]: keys } }), 'iot:Publish', 'x', context)

  it.each([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a*', 'ab', false],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', 'a', 'a', false],
    ['StringEqualsIgnoreCase', 'a', 'A', true],
    ['StringNotEqualsIgnoreCase', 'a', 'A', false],
    ['StringLike', 'down/*', 'down/x', true],
    ['StringLike', 'down/?', 'down/xy', false],
    ['StringNotLike', 'down/*', 'up/x', true],
    ['StringNotLike', 'down/*', 'down/x', false],
    ['ArnEquals', 'arn:aws:iot:*:*:rule/a*', 'arn:aws:iot:us-east-1:0:rule/abc', true],
    ['ArnLike', 'arn:aws:iot:*:rule/a', 'arn:aws:iot:us-east-1:0:rule/a', false],
    ['ArnLike', 'arn:aws:sns:*:*:a:*', 'arn:aws:sns:us-east-1:0:a:b:c', true],
    ['ArnNotLike', 'arn:aws:iot:*:*:rule/a', 'arn:aws:iot:us-east-1:0:rule/b', true],
    ['ArnNotEquals', 'arn:aws:iot:*:*:rule/a', 'arn:aws:iot:us-east-1:0:rule/a', false],
    ['Bool', 'true', 'true', true],
    ['Bool', 'TRUE', 'true', true],
    ['Bool', 'true', 'false', false],
  ])('%s %s with %s: %s', (operator, expected, actual, result) => {
    expect(holds(operator, { key: expected }, { key: actual })).toBe(result)
  })

  it('one of several expected values is enough; for a negated operator none may match', () => {
    expect(holds('StringEquals', { key: ['a', 'b'] }, { key: 'b' })).toBe(true)
    expect(holds('StringNotEquals', { key: ['a', 'b'] }, { key: 'b' })).toBe(false)
  })

  it('all operators and keys have to hold', () => {
    expect(holds('StringEquals', { a: '1', b: '2' }, { a: '1', b: '2' })).toBe(true)
    expect(holds('StringEquals', { a: '1', b: '2' }, { a: '1' })).toBe(false)
  })

  it('a key that the request lacks fails a positive operator and passes a negated one', () => {
    expect(holds('StringEquals', { key: 'a' })).toBe(false)
    expect(holds('Bool', { key: 'false' })).toBe(false)
    expect(holds('StringNotEquals', { key: 'a' })).toBe(true)
    expect(holds('StringEqualsIfExists', { key: 'a' })).toBe(true)
    expect(holds('StringEqualsIfExists', { key: 'a' }, { key: 'b' })).toBe(false)
  })

  it('Null asks whether a key is there', () => {
    expect(holds('Null', { key: 'true' })).toBe(true)
    expect(holds('Null', { key: 'true' }, { key: 'a' })).toBe(false)
    expect(holds('Null', { key: 'false' }, { key: 'a' })).toBe(true)
  })

  it('ForAllValues and ForAnyValue, with one value, several and none', () => {
    const both = { key: ['a', 'z'] }
    expect(holds('ForAllValues:StringEquals', { key: ['a', 'b'] }, { key: 'a' })).toBe(true)
    expect(holds('ForAllValues:StringEquals', { key: ['a', 'b'] }, both)).toBe(false)
    expect(holds('ForAnyValue:StringEquals', { key: ['a', 'b'] }, both)).toBe(true)
    expect(holds('ForAnyValue:StringEquals', { key: 'b' }, both)).toBe(false)
    expect(holds('ForAllValues:StringNotEquals', { key: 'a' }, both)).toBe(false)
    expect(holds('ForAnyValue:StringNotEquals', { key: 'a' }, both)).toBe(true)
    expect(holds('ForAllValues:StringEquals', { key: 'a' })).toBe(true)
    expect(holds('ForAnyValue:StringEquals', { key: 'a' })).toBe(false)
    expect(holds('ForAnyValue:StringNotEquals', { key: 'a' })).toBe(false)
  })

  it('compare with variables, and fail when one has no value', () => {
    const context = { 'iot:ClientId': 'me', key: 'me' }
    expect(holds('StringEquals', { key: '${iot:ClientId}' }, context)).toBe(true)
    expect(holds('StringEquals', { key: '${iot:ClientId}' }, { key: 'me' })).toBe(false)
    expect(holds('StringNotEquals', { key: '${iot:ClientId}' }, { key: 'me' })).toBe(false)
    expect(holds('StringLike', { key: '${iot:ClientId}' }, { 'iot:ClientId': '*', key: 'x' })).toBe(
      false,
    )
  })
})
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: policy variables look like this.

describe('what cannot be evaluated is an error, not a guess', () => {
  it.each([
    ['an unknown operator', { Condition: { NumericLessThan: { key: '1' } } }, /NumericLessThan/],
    ['an operator of Object', { Condition: { constructor: { key: '1' } } }, /constructor/],
    ['a resource policy', { Principal: '*' } as Partial<PolicyStatement>, /Principal/],
    ['an effect', { Effect: 'allow' } as unknown as Partial<PolicyStatement>, /Effect/],
    ['both Action and NotAction', { Action: 'a', NotAction: 'b' }, /Action/],
    ['both Resource and NotResource', { Resource: 'a', NotResource: 'b' }, /Resource/],
    ['an open variable', { Resource: 'a${b' }, /without/],
  ])('%s', (_what, statement, message) => {
    const document = policy(statement)
    expect(() => checkPolicy(document)).toThrow(message)
    expect(() => may(document, 'other:Action', 'x')).toThrow(message)
  })
})
