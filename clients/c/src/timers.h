/* Timers of one device, in the loop's thread. */
#ifndef TIMERS_H
#define TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"

typedef struct timer timer;

/* Part of what it is for; all zero is a timer that does not run. */
struct timer {
  timer *next;
  int64_t at; /* monotonic milliseconds */
  bool runs;
  void (*fire)(void *context, timer *which);
  void *context;
};

typedef struct {
  timer *first; /* the earliest first */
} timers;

/* Starts it, or starts it anew. */
void timer_start(timers *timers, timer *timer, int64_t at, void (*fire)(void *context, struct timer *which), void *context);
void timer_stop(timers *timers, timer *timer);
/* When the next one fires, or -1. */
int64_t timers_next(const timers *timers);
/* Fires those that are due. */
void timers_run(timers *timers, int64_t now);

#endif
