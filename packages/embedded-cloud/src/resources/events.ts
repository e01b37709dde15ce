import { CloudStartError } from '../cloud-start-error.ts'
import { arn, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 64

/**
 * Schedules are checked and not run: nothing on a laptop should wait for the next quarter. The
 * function behind one can be invoked through the Lambda API.
 */
const rule: ResourceType = {
  type: 'AWS::Events::Rule',
  uses: ['Name', 'ScheduleExpression', 'Targets'],
  // The events of AWS services that a pattern could match do not happen here.
  ignores: ['Description', 'EventPattern', 'State', 'Tags'],
  make: (resource, cloud) => {
    const { properties } = resource
    const name = properties.optionalText('Name') ?? physicalName(resource, longestName)
    const ruleArn = arn(cloud.identity, 'events', `rule/${name}`)
    checkSchedule(resource)
    cloud.whenMade(() => checkTargets(resource, ruleArn, cloud))
    return { ref: name, attributes: { Arn: ruleArn } }
  },
}

export const eventsTypes: readonly ResourceType[] = [rule]

function checkSchedule({ properties }: Resource): void {
  const schedule = properties.optionalText('ScheduleExpression')
  if (schedule === undefined) return
  const rate = /^rate\([1-9]\d* (minutes?|hours?|days?)\)$/.test(schedule)
  const cron = /^cron\(\S+( \S+){5}\)$/.test(schedule)
  if (!rate && !cron) throw properties.error('ScheduleExpression', 'is neither rate(…) nor cron(…)')
}

function checkTargets({ properties, where }: Resource, ruleArn: string, cloud: CloudParts): void {
  for (const target of properties.objects('Targets')) {
    const targetArn = target.text('Arn')
    if (!targetArn.includes(':lambda:')) continue
    if (cloud.functions.find(targetArn) === undefined) {
      throw new CloudStartError(`${where}: no stack makes the function ${targetArn}.`)
    }
    if (cloud.permissions.permits(targetArn, 'events.amazonaws.com', ruleArn)) continue
    throw new CloudStartError(
      `${where} may not invoke ${targetArn}: add an AWS::Lambda::Permission for events.amazonaws.com.`,
    )
  }
}
