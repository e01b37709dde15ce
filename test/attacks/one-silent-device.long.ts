import { delaysNoOtherTopic } from './one-silent-device.ts'

delaysNoOtherTopic(300, { percent: 99, ms: 250 })
