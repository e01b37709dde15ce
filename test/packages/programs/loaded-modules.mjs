// Loaded before a program (NODE_OPTIONS=--import): writes the path of every module that it loads, a line each.
import { appendFileSync } from 'node:fs'
import Module, { register } from 'node:module'

const { LOADED_MODULES: file } = process.env

const hooks = `
  import { appendFileSync } from 'node:fs'
  export async function load(url, context, next) {
    appendFileSync(${JSON.stringify(file)}, url + '\\n')
    return next(url, context)
  }`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)

const { _resolveFilename: resolve } = Module
Module._resolveFilename = (...args) => {
  const path = resolve.apply(Module, args)
  appendFileSync(file, `${path}\n`)
  return path
}
