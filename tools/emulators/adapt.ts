import {
  isJsonObject,
  type Json,
  type JsonObject,
} from '../../packages/embedded-cloud/src/assembly/json.ts'

/**
 * What an emulator cannot make. All of it is served beside the emulator from the original templates,
 * or has no effect without users.
 */
export const leftOut: Readonly<Record<string, string>> = {
  'AWS::ApiGatewayV2::DomainName':
    'no emulator has mutual TLS; packages/embedded-cloud/src/gateway serves the domain',
  'AWS::ApiGatewayV2::ApiMapping': 'belongs to the domain',
  'AWS::CloudWatch::CompositeAlarm': 'MiniStack does not know it, and nobody is on call',
  'AWS::CloudWatch::AnomalyDetector': 'MiniStack does not know it, and nobody is on call',
  'AWS::IoT::Policy': 'packages/embedded-cloud/src/iot enforces it; no emulator does',
  'AWS::IoT::TopicRule': 'packages/embedded-cloud/src/iot runs it',
  'AWS::Logs::QueryDefinition': 'MiniStack does not know it, and nobody looks at logs',
}

export interface Surroundings {
  /** `http://127.0.0.1:<port>` of the embedded IoT Core's two REST APIs. */
  readonly iotEndpoint: string
  /** PEM file of the CA that signed the certificates of the embedded IoT Core and gateway. */
  readonly caFile: string
}

/**
 * A template as the emulator gets it: without what it cannot make, and with functions that find IoT Core
 * beside the emulator. Everything else, code included, is as it goes to AWS.
 */
export function adaptTemplate(template: JsonObject, around: Surroundings): JsonObject {
  const resources = objectOf(template.Resources)
  const kept = Object.entries(resources).filter(([, resource]) => !isLeftOut(resource))
  const gone = new Set(Object.keys(resources).filter((id) => isLeftOut(resources[id])))
  const makers = customResourceMakers(resources)
  const adapted = kept.map(([id, resource]) => [
    id,
    adaptResource(objectOf(resource), makers.has(id), gone, around),
  ])
  return {
    ...template,
    Resources: Object.fromEntries(adapted) as JsonObject,
    Outputs: withoutReferences(objectOf(template.Outputs), gone) as JsonObject,
  }
}

function isLeftOut(resource: Json | undefined): boolean {
  const { Type: type, Properties: properties } = objectOf(resource)
  // MiniStack takes alarms on one metric only
  if (type === 'AWS::CloudWatch::Alarm') return 'Metrics' in objectOf(properties)
  return typeof type === 'string' && type in leftOut
}

/** The functions that answer CloudFormation. */
function customResourceMakers(resources: JsonObject): Set<string> {
  const tokens = Object.values(resources).map(
    (resource) => objectOf(objectOf(objectOf(resource).Properties).ServiceToken)['Fn::GetAtt'],
  )
  return new Set(tokens.flatMap((token) => (Array.isArray(token) ? [String(token[0])] : [])))
}

function adaptResource(
  resource: JsonObject,
  answersCloudFormation: boolean,
  gone: ReadonlySet<string>,
  around: Surroundings,
): JsonObject {
  const kept = objectOf(withoutReferences(withoutDependencies(resource, gone), gone))
  return kept.Type === 'AWS::Lambda::Function'
    ? surrounded(kept, answersCloudFormation, around)
    : kept
}

function withoutDependencies(resource: JsonObject, gone: ReadonlySet<string>): JsonObject {
  const { DependsOn: given, ...rest } = resource
  if (given === undefined) return resource
  const left = (Array.isArray(given) ? given : [given]).filter((id) => !gone.has(String(id)))
  return left.length === 0 ? rest : { ...rest, DependsOn: left }
}

function surrounded(
  resource: JsonObject,
  answersCloudFormation: boolean,
  { iotEndpoint, caFile }: Surroundings,
): JsonObject {
  const properties = objectOf(resource.Properties)
  const environment = objectOf(properties.Environment)
  const variables = {
    ...objectOf(environment.Variables),
    AWS_ENDPOINT_URL_IOT: iotEndpoint,
    AWS_ENDPOINT_URL_IOT_DATA_PLANE: iotEndpoint,
    AWS_CA_BUNDLE: caFile,
    ...(answersCloudFormation && { NODE_OPTIONS: plainAnswers }),
  }
  return {
    ...resource,
    Properties: { ...properties, Environment: { ...environment, Variables: variables } },
  }
}

/**
 * On AWS a custom resource answers to an https address; an emulator gives an http one. A module that is loaded
 * before the function lets `https.request` go there.
 */
const plainAnswers = `--import=data:text/javascript,${encodeURIComponent(
  [
    "import http from 'node:http'",
    "import https from 'node:https'",
    "import { syncBuiltinESMExports } from 'node:module'",
    'const request = https.request',
    "https.request = (url, ...rest) => (String(url).startsWith('http:') ? http.request : request)(url, ...rest)",
    'syncBuiltinESMExports()',
  ].join(';'),
)}`

/** Members that refer to something left out are replaced by a word that says so. */
function withoutReferences(value: Json, gone: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((member) => withoutReferences(member, gone))
  if (!isJsonObject(value)) return value
  if (refersTo(value, gone)) return 'not-in-this-emulator'
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withoutReferences(member, gone)]),
  )
}

function refersTo(value: JsonObject, gone: ReadonlySet<string>): boolean {
  const { Ref: name, 'Fn::GetAtt': attribute } = value
  if (typeof name === 'string') return gone.has(name)
  return Array.isArray(attribute) && gone.has(String(attribute[0]))
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}
