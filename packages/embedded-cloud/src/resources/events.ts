import { CloudStartError } from '../cloud-start-error.ts'
import { minutesOfRate, type ScheduledTarget } from '../schedules.ts'
import type { Properties } from './properties.ts'
import { arn, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 64

/**
 * A rate calls its functions where `tuning.scheduleMinuteMs` says how long a minute is. A cron expression is only checked:
 * nothing on a laptop should wait for the next quarter. The function behind it can be invoked through the Lambda API.
 */
const rule: ResourceType = {
  type: 'AWS::Events::Rule',
  uses: ['Name', 'ScheduleExpression', 'State', 'Targets'],
  // The events of AWS services that a pattern could match do not happen here.
  ignores: ['Description', 'EventPattern', 'Tags'],
  make: (resource, cloud) => {
    const { properties } = resource
    const name = properties.optionalText('Name') ?? physicalName(resource, longestName)
    const ruleArn = arn(cloud.identity, 'events', `rule/${name}`)
    const everyMinutes = rateOf(properties)
    cloud.whenMade(() => {
      const targets = functionTargets(resource, ruleArn, cloud)
      if (everyMinutes !== undefined) cloud.schedules.add({ ruleArn, everyMinutes, targets })
    })
    return { ref: name, attributes: { Arn: ruleArn } }
  },
  remove: ({ properties }, { attributes }, { schedules }) => {
    if (properties.optionalText('ScheduleExpression')) schedules.remove(String(attributes?.Arn))
  },
}

export const eventsTypes: readonly ResourceType[] = [rule]

/** Minutes; undefined for a rule that is disabled, or does not run at a rate. */
function rateOf(properties: Properties): number | undefined {
  const schedule = properties.optionalText('ScheduleExpression')
  if (schedule === undefined) return undefined
  const minutes = minutesOfRate(schedule)
  const isCron = /^cron\(\S+( \S+){5}\)$/.test(schedule)
  if (minutes === undefined && !isCron)
    throw properties.error('ScheduleExpression', 'is neither rate(…) nor cron(…)')
  return properties.optionalText('State') === 'DISABLED' ? undefined : minutes
}

/** The functions that a rule calls; those that it may not call end the start. */
function functionTargets(
  { properties, where }: Resource,
  ruleArn: string,
  cloud: CloudParts,
): ScheduledTarget[] {
  return properties.objects('Targets').flatMap((target) => {
    const functionArn = target.text('Arn')
    if (!functionArn.includes(':lambda:')) return []
    if (cloud.functions.find(functionArn) === undefined)
      throw new CloudStartError(`${where}: no stack makes the function ${functionArn}.`)
    if (!cloud.permissions.permits(functionArn, 'events.amazonaws.com', ruleArn))
      throw new CloudStartError(
        `${where} may not invoke ${functionArn}: add an AWS::Lambda::Permission for events.amazonaws.com.`,
      )
    const input = target.optionalText('Input')
    return [{ functionArn, ...(input !== undefined && { input }) }]
  })
}
