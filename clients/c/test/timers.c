#include "timers.h"

#include "backoff.h"
#include "test.h"

static char fired[16];

static void fire(void *context, timer *which) {
  CHECK(!which->runs);
  strncat(fired, context, 1);
}

static void fire_in_order(void) {
  timers all = {NULL};
  timer one = {0}, two = {0}, three = {0};
  timer_start(&all, &two, 20, fire, "2");
  timer_start(&all, &one, 10, fire, "1");
  timer_start(&all, &three, 20, fire, "3");
  CHECK(timers_next(&all) == 10);
  timers_run(&all, 9);
  CHECK_SAME(fired, "");
  timers_run(&all, 20);
  CHECK_SAME(fired, "123");
  timer_start(&all, &one, 30, fire, "4");
  timer_start(&all, &one, 40, fire, "5");
  timer_start(&all, &two, 35, fire, "6");
  timer_stop(&all, &two);
  timer_stop(&all, &three);
  timers_run(&all, 39);
  timers_run(&all, 100);
  CHECK_SAME(fired, "1235");
  CHECK(timers_next(&all) == -1);
}

static void delays_double_up_to_a_limit(void) {
  for (unsigned failures = 0; failures < 100; failures++) {
    int64_t ceiling = failures < 7 ? 1000 << failures : 120000;
    CHECK(retry_delay(failures, 0) == 0);
    CHECK(retry_delay(failures, UINT32_MAX) == ceiling - 1);
  }
  CHECK(doubled_delay(10000, 600000, 0, 0) == 5000 && doubled_delay(10000, 600000, 0, UINT32_MAX) == 14999);
  CHECK(doubled_delay(10000, 600000, 2, 0) == 20000 && doubled_delay(10000, 600000, 1000, 0) == 300000);
}

int main(void) {
  fire_in_order();
  delays_double_up_to_a_limit();
  return 0;
}
