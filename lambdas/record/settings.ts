import { variable } from '../settings.ts'

export const recordSettings = [
  variable.stage,
  variable.receiptsTable,
  variable.receiptDays,
] as const
