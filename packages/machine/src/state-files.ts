/** What lies in a state folder, by name. */

/** The database. */
export const DATABASE = 'store.mdb'
/** Where the operator's command finds the process that serves. */
export const OPERATOR_SOCKET = 'operator.sock'
