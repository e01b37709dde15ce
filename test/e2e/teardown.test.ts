import { emptiesDevices, leavesData, leavesNothing, startStage } from './teardown.ts'

startStage()
emptiesDevices()
leavesNothing(24)
leavesData()
