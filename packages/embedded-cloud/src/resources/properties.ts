import { isJsonObject, type Json, type JsonObject } from '../assembly/json.ts'
import { CloudStartError } from '../cloud-start-error.ts'

/**
 * The resolved properties of a resource, or a part of them. A property of the wrong form is an error
 * that names resource and property. CloudFormation takes numbers and flags as texts too.
 */
export class Properties {
  readonly values: JsonObject
  readonly #where: string
  readonly #path: string

  /** `where` names the resource; `path` leads to this part of its properties. */
  constructor(values: JsonObject, where: string, path = '') {
    this.values = values
    this.#where = where
    this.#path = path
  }

  raw(name: string): Json | undefined {
    return this.values[name]
  }

  text(name: string): string {
    return this.#required(name, this.optionalText(name), 'a text')
  }

  optionalText(name: string): string | undefined {
    const value = this.values[name]
    if (value === undefined || typeof value === 'string') return value
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    throw this.error(name, 'must be a text')
  }

  number(name: string): number {
    return this.#required(name, this.optionalNumber(name), 'a number')
  }

  optionalNumber(name: string): number | undefined {
    const value = this.values[name]
    if (value === undefined) return undefined
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    if (typeof number === 'number' && !Number.isNaN(number)) return number
    throw this.error(name, 'must be a number')
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.values[name]
    if (value === undefined || typeof value === 'boolean') return value
    if (value === 'true' || value === 'false') return value === 'true'
    throw this.error(name, 'must be true or false')
  }

  object(name: string): Properties {
    return this.#required(name, this.optionalObject(name), 'an object')
  }

  optionalObject(name: string): Properties | undefined {
    const value = this.values[name]
    if (value === undefined) return undefined
    if (!isJsonObject(value)) throw this.error(name, 'must be an object')
    return new Properties(value, this.#where, this.#pathOf(name))
  }

  /** The members of a list of objects; none when it is absent. */
  objects(name: string): Properties[] {
    return this.#list(name).map((value, index) => {
      const path = `${name}[${index}]`
      if (!isJsonObject(value)) throw this.error(path, 'must be an object')
      return new Properties(value, this.#where, this.#pathOf(path))
    })
  }

  /** The members of a list of texts; none when it is absent. */
  texts(name: string): string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'string') throw this.error(name, 'must be a list of texts')
      return value
    })
  }

  /** Fails on a property that is in none of the lists: nothing is silently ignored. */
  only(...known: readonly (readonly string[])[]): void {
    const unknown = Object.keys(this.values).find((name) => !known.some((l) => l.includes(name)))
    if (unknown === undefined) return
    throw this.error(unknown, 'is not known to the embedded cloud')
  }

  error(name: string, problem: string): CloudStartError {
    return new CloudStartError(`${this.#where}: property ${this.#pathOf(name)} ${problem}.`)
  }

  #list(name: string): Json[] {
    const value = this.values[name]
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.error(name, 'must be a list')
    return value
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  #required<T>(name: string, value: T | undefined, what: string): T {
    if (value === undefined) throw this.error(name, `is missing; it must be ${what}`)
    return value
  }
}
