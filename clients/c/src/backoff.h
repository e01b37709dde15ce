/* How long to wait before the next attempt. `random` is 32 random bits; all times are milliseconds. */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

#include "names.h"

/* A connection that has lasted this long has earned a quick retry after its end. */
#define STABLE_AFTER_MS 60000

/*
 * After the `failures`-th failure in a row (0 = the first): anything from nothing to a ceiling that doubles from 1 s to
 * 120 s. The full range spreads a fleet that lost its broker at one moment (AWS Architecture Blog, "Exponential Backoff And
 * Jitter": full jitter).
 */
int64_t retry_delay(unsigned failures, uint32_t random);

/* `first`, doubled `times` times, at most `last`; half to one and a half of it. */
int64_t doubled_delay(int64_t first, int64_t last, unsigned times, uint32_t random);

#endif
