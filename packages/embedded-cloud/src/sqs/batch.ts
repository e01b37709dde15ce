import { SqsError } from './error.ts'
import type { Json } from './json.ts'

const maxEntries = 10

interface Entry extends Json {
  readonly Id: string
}

/** Does the same with each of up to ten entries; one that is refused fails alone. */
export function inBatch(input: Json, act: (entry: Json) => Json): Json {
  const { Entries = [] } = input as { readonly Entries?: readonly Entry[] }
  check(Entries)
  const Successful: Json[] = []
  const Failed: Json[] = []
  for (const entry of Entries) {
    try {
      Successful.push({ Id: entry.Id, ...act(entry) })
    } catch (error) {
      if (!(error instanceof SqsError)) throw error
      const { code: Code, message: Message } = error
      Failed.push({ Id: entry.Id, SenderFault: true, Code, Message })
    }
  }
  return { Successful, Failed }
}

function check(entries: readonly Entry[]): void {
  if (entries.length === 0)
    throw new SqsError('EmptyBatchRequest', 'The batch request does not contain any entries.')
  if (entries.length > maxEntries)
    throw new SqsError('TooManyEntriesInBatchRequest', 'A batch may have at most 10 entries.')
  if (entries.some(({ Id }) => !/^[\w-]{1,80}$/.test(Id)))
    throw new SqsError('InvalidBatchEntryId', 'An entry id has 1 to 80 of A-Z a-z 0-9 - and _.')
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw new SqsError('BatchEntryIdsNotDistinct', 'Two entries of the batch have the same Id.')
}
