import { delaysNoOtherTopic } from './one-silent-device.ts'

// on a machine that is busy with other tests, where a PUBACK of anybody's may come too late now and then
delaysNoOtherTopic(60, { percent: 90, ms: 5_000 }, 5)
