import { isDeepStrictEqual } from 'node:util'
import { AwsError } from '../../answer.ts'
import { invalidRequest } from '../errors.ts'
import { newThing, type Thing } from '../registry.ts'
import { type Call, type Operation, pageOf } from '../rest.ts'
import { type ControlPlane, thingByName } from './directory.ts'

/** Creating, describing, listing and deleting things. */
export function thingOperations(plane: ControlPlane): Operation[] {
  const path = '/things/{thingName}'
  const resource = (call: Call) => plane.authority.arn('thing', call.param('thingName'))
  return [
    { name: 'CreateThing', method: 'POST', path, resource, run: (call) => create(plane, call) },
    {
      name: 'DescribeThing',
      method: 'GET',
      path,
      resource,
      run: (call) => description(plane, thingByName(plane, call.param('thingName'))),
    },
    { name: 'DeleteThing', method: 'DELETE', path, resource, run: (call) => remove(plane, call) },
    { name: 'ListThings', method: 'GET', path: '/things', run: ({ query }) => list(plane, query) },
  ]
}

/** Creating a thing again with the same configuration succeeds; source: API_CreateThing. */
function create(plane: ControlPlane, call: Call): object {
  const name = call.param('thingName')
  if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(name))
    throw invalidRequest('A thing name has 1 to 128 of letters, digits, ":", "_" and "-".')
  const wanted = wantedThing(name, call)
  const existing = plane.registry.thing(name)
  if (existing === undefined) plane.registry.saveThing(wanted)
  else if (!sameConfiguration(existing, wanted))
    throw new AwsError(
      'ResourceAlreadyExistsException',
      `There is already a thing ${name} that is configured otherwise.`,
      409,
      { resourceId: existing.id, resourceArn: plane.authority.arn('thing', name) },
    )
  const { id } = existing ?? wanted
  return { thingName: name, thingArn: plane.authority.arn('thing', name), thingId: id }
}

function wantedThing(name: string, call: Call): Thing {
  const { attributePayload, thingTypeName } = call.json()
  if (thingTypeName !== undefined && typeof thingTypeName !== 'string')
    throw invalidRequest('thingTypeName is not a string.')
  return newThing(name, attributesOf(attributePayload), thingTypeName)
}

function attributesOf(payload: unknown): Readonly<Record<string, string>> {
  const attributes = (payload as { attributes?: unknown } | undefined)?.attributes ?? {}
  const valid =
    typeof attributes === 'object' &&
    Object.entries(attributes).every(
      ([name, value]) => /^[a-zA-Z0-9_.,@/:#-]+$/.test(name) && typeof value === 'string',
    )
  if (!valid) throw invalidRequest('attributePayload.attributes has to map names to strings.')
  return attributes as Readonly<Record<string, string>>
}

function sameConfiguration(one: Thing, other: Thing): boolean {
  return one.typeName === other.typeName && isDeepStrictEqual(one.attributes, other.attributes)
}

function remove(plane: ControlPlane, call: Call): object {
  const name = call.param('thingName')
  const thing = plane.registry.thing(name)
  if (thing === undefined) return {}
  const expected = call.query.get('expectedVersion')
  if (expected !== null && Number(expected) !== thing.version)
    throw new AwsError('VersionConflictException', `The thing has version ${thing.version}.`, 409)
  const held = plane.departures.hold(plane.authority.arn('thing', name))
  if (held || Object.keys(thing.certificates).length > 0)
    throw invalidRequest(`The thing ${name} is attached to principals; detach them first.`)
  plane.registry.deleteThing(name)
  return {}
}

function list(plane: ControlPlane, query: URLSearchParams): object {
  const attribute = query.get('attributeName')
  const value = query.get('attributeValue')
  const type = query.get('thingTypeName')
  const found = [...plane.registry.things()].filter(
    (thing) =>
      (attribute === null || thing.attributes[attribute] === value) &&
      (type === null || thing.typeName === type),
  )
  const { page, next } = pageOf(found, query.get('nextToken'), query.get('maxResults'))
  return { things: page.map((thing) => summary(plane, thing)), nextToken: next }
}

function summary({ authority }: ControlPlane, thing: Thing): object {
  return {
    thingName: thing.name,
    thingArn: authority.arn('thing', thing.name),
    thingTypeName: thing.typeName,
    attributes: thing.attributes,
    version: thing.version,
  }
}

function description(plane: ControlPlane, thing: Thing): object {
  return { ...summary(plane, thing), thingId: thing.id, defaultClientId: thing.name }
}
