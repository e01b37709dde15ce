import { configureGlobal } from 'fast-check'

/** The same cases for every mutant, and no search for the shortest one that fails. */
configureGlobal({ seed: 1, endOnFailure: true })
