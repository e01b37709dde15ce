export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The values at a path of names, of which `*` stands for each member of a list; the value itself where the path is empty. */
export function valuesAt(value: Json, path: string): Json[] {
  const names = path === '' ? [] : path.split('.')
  return names.reduce<Json[]>((found, name) => found.flatMap((one) => step(one, name)), [value])
}

function step(value: Json, name: string): Json[] {
  if (name === '*') return Array.isArray(value) ? [...value] : []
  const member = isJsonObject(value) ? value[name] : undefined
  return member === undefined ? [] : [member]
}

/** The longest there are, so that a size is not too small elsewhere. */
const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-1',
  'AWS::AccountId': '111111111111',
  'AWS::URLSuffix': 'amazonaws.com.cn',
}

/** As long as the ARN of a table's stream, the longest of those that templates refer to. */
const unknown = 'x'.repeat(
  'arn:aws-us-gov:dynamodb:ap-southeast-1:111111111111:table/Heliograph-abcdefghijklmnop-State-StoresRegistrationsTable00000000-000000000000/stream/2026-01-01T00:00:00.000'
    .length,
)

/** A value as AWS gets it, as a text. */
export function stagedText(value: Json): string {
  return typeof value === 'string' ? value : asText(staged(value))
}

/** Characters of a value as AWS gets it. Nothing in it has white space but what texts have. */
export function lengthOf(value: Json): number {
  return stagedText(value).length
}

function staged(value: Json): Json {
  if (Array.isArray(value)) return value.map(staged)
  if (!isJsonObject(value)) return value
  const [[name, argument] = ['', null]] = Object.entries(value)
  if (name === 'Ref') return pseudo[String(argument)] ?? unknown
  if (name === 'Fn::Join' && Array.isArray(argument)) return join(argument)
  if (name.startsWith('Fn::')) return unknown
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, staged(one)]))
}

function join([between = '', parts = []]: readonly Json[]): string {
  const texts = Array.isArray(parts) ? parts : []
  return texts.map((part) => stagedText(part)).join(String(between))
}

const asText = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))
