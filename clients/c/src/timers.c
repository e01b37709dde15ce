#include "timers.h"

#include <stddef.h>

void timer_stop(timers *timers, timer *timer) {
  if (!timer->runs) return;
  struct timer **link = &timers->first;
  while (*link != timer) link = &(*link)->next;
  *link = timer->next;
  timer->runs = false;
}

void timer_start(timers *timers, timer *timer, int64_t at, void (*fire)(void *context, struct timer *which), void *context) {
  timer_stop(timers, timer);
  struct timer **link = &timers->first;
  while (*link && (*link)->at <= at) link = &(*link)->next;
  timer->next = *link;
  timer->at = at;
  timer->runs = true;
  timer->fire = fire;
  timer->context = context;
  *link = timer;
}

int64_t timers_next(const timers *timers) { return timers->first ? timers->first->at : -1; }

void timers_run(timers *timers, int64_t now) {
  while (timers->first && timers->first->at <= now) {
    timer *due = timers->first;
    timers->first = due->next;
    due->runs = false;
    due->fire(due->context, due);
  }
}
