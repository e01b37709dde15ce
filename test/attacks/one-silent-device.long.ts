import { delaysNoOtherTopic } from './one-silent-device.ts'

delaysNoOtherTopic(300, 250)
