import { harmsNoOtherProvider } from './garbage-recipients.ts'

harmsNoOtherProvider({ seconds: 2, rate: 100, environments: 1 })
