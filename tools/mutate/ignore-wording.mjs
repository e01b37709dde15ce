/** What takes a text for people, and as which argument. */
const wordings = { reject: 1, Error: 0 }

/** Leaves sentences alone: a test that holds their words to a copy of them would promise nothing. */
const wording = {
  shouldIgnore({ parent, listKey, key }) {
    const isWording = listKey === 'arguments' && key === wordings[parent.callee?.name]
    return isWording ? 'words for people' : undefined
  },
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'wording', value: wording }]
