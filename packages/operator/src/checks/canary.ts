import { awsOnly } from '../aws-stage.ts'
import { canaryFunction, runCanary } from '../operations/canary.ts'
import { type Check, ok, problem, warning } from './finding.ts'

/** The whole way once, where the stage has a canary. */
export const canaryCheck: Check = {
  name: 'canary',
  async run(patient) {
    const deployment = awsOnly(patient.deployment, 'it has a canary')
    if ((await canaryFunction(deployment)) === undefined)
      return [ok('canary', 'this stage has none (docs/deploy.md)')]
    const report = await runCanary(deployment)
    if (report.heard)
      return [ok('canary', `heard what was sent to it after ${Math.round(report.deviceMs)} ms`)]
    const { step, detail } = report
    return step === 'identity'
      ? [warning('canary', detail)]
      : [problem('canary', `did not hear what was sent to it, it ended at ${step}: ${detail}`)]
  },
}
