import { harmsNoOtherProvider } from './garbage-recipients.ts'

harmsNoOtherProvider({ seconds: 2, rate: 5, environments: 1 })
