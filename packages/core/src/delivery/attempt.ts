export interface Attempt {
  /** How often the queue has handed out this message; 1 the first time. */
  readonly number: number
  /** True if the queue will not hand it out again after this. */
  readonly last: boolean
  /** The message only asks for a drain: the notification is in its slot or has ended. */
  readonly slotOnly: boolean
}

/** `again`: leave the message to the queue, which hands it out later. */
export type Delivery = 'done' | 'again'
