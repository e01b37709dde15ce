/** A direct message to nobody, which asks whether there are direct messages: no device has this id, as a dash is none of their characters. */
export const probe = { clientId: 'heliograph-probe', topic: 'heliograph/probe' } as const
