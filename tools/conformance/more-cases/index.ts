import type { Case } from '../case.ts'
import { bodyCases } from './bodies.ts'
import { headerCases } from './headers.ts'
import { manyCases } from './many.ts'
import { orderCases } from './order.ts'
import { pathCases } from './paths.ts'
import { receiptCases } from './receipts.ts'
import { tokenCases } from './tokens.ts'
import { topicCases } from './topics.ts'
import { wireCases } from './wire.ts'

/** Cases beyond `cases.json`, in its format: each rule of docs/provider-api.md at both sides of its edge. */
export const moreCases: readonly Case[] = [
  ...headerCases,
  ...topicCases,
  ...pathCases,
  ...bodyCases,
  ...wireCases,
  ...orderCases,
  ...tokenCases,
  ...receiptCases,
  ...manyCases,
]
