export const region = 'eu-west-1'
export const account = '111111111111'

const deployed = {
  domain: 'push.example.com',
  certificateArn: `arn:aws:acm:${region}:${account}:certificate/4e6a-example`,
}

/** Context of each stage that is judged; between them they have every resource that a stage can have. */
export const judgedStages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  retain: { ...deployed, stage: 'retain' },
  destroy: { ...deployed, stage: 'destroy', removal: 'destroy' },
  watched: { ...deployed, stage: 'watched', tracing: 'true', alarmEmail: 'oncall@example.com' },
  zoned: {
    ...deployed,
    stage: 'zoned',
    tokenDomain: 'api.push.example.com',
    tokenCertificateArn: `arn:aws:acm:${region}:${account}:certificate/4e6a-example-tokens`,
    alarmEmail: 'oncall@example.com',
    hostedZoneId: 'Z0EXAMPLE',
    hostedZoneName: 'example.com',
  },
}
