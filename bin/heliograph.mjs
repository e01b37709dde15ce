#!/usr/bin/env node
// Runs the command from its sources. Node runs no TypeScript by itself before version 22.18: tsx does.
import module from 'node:module'
import { register } from 'tsx/esm/api'
import { resolve } from './sources.mjs'

register()
// before version 22.15 Node has only the second, which it deprecates from version 26 on
if (module.registerHooks) module.registerHooks({ resolve })
else module.register('./sources.mjs', import.meta.url)
await import('../packages/operator/src/heliograph.ts')
