import { emptiesDevices, leavesData, leavesNothing, startStage } from './teardown.ts'

startStage()
emptiesDevices()
leavesNothing(8)
leavesData()
