#include "backoff.h"

static int64_t doubled(int64_t first, int64_t last, unsigned times) {
  int64_t delay = first;
  while (times-- > 0 && delay < last) delay *= 2;
  return delay < last ? delay : last;
}

/* A part of `most`, evenly. */
static int64_t part_of(int64_t most, uint32_t random) { return (int64_t)(((uint64_t)most * random) >> 32); }

int64_t retry_delay(unsigned failures, uint32_t random) { return part_of(doubled(1000, 120000, failures), random); }

int64_t doubled_delay(int64_t first, int64_t last, unsigned times, uint32_t random) {
  int64_t middle = doubled(first, last, times);
  return middle / 2 + part_of(middle, random);
}
