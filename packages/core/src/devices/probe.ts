/**
 * A direct message to a device that does not exist, which shows whether direct messages are
 * supported. No device can have this id, because ids contain no dash.
 */
export const probe = { clientId: 'heliograph-probe', topic: 'heliograph/probe' } as const
