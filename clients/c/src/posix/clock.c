#include <openssl/rand.h>
#include <time.h>

#include "posix.h"

static int64_t milliseconds(clockid_t clock) {
  struct timespec now = {0, 0};
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(void *context) {
  (void)context;
  return milliseconds(CLOCK_REALTIME);
}

static int64_t monotonic_ms(void *context) {
  (void)context;
  return milliseconds(CLOCK_MONOTONIC);
}

static uint32_t random_bits(void *context) {
  (void)context;
  uint32_t bits = 0;
  if (RAND_bytes((unsigned char *)&bits, sizeof bits) != 1) bits = (uint32_t)milliseconds(CLOCK_MONOTONIC) * 2654435761u;
  return bits;
}

void posix_clock(heliograph_platform *platform) {
  platform->now_ms = now_ms;
  platform->monotonic_ms = monotonic_ms;
  platform->random = random_bits;
}
