import { leavesNothing, startStage } from './teardown.ts'

startStage()
leavesNothing(200)
