import { delaysNoOtherTopic } from './one-silent-device.ts'

// on a machine that is busy with other tests
delaysNoOtherTopic(60, 5_000)
