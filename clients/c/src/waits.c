#include <stdlib.h>
#include <string.h>

#include "device.h"

static const char *const doing[] = {"activate", "connect", "register", "unregister", "join", "leave", "close"};

static void answer_and_free(wait_entry *wait, const heliograph_error *error, const char *value) {
  device_stop(wait->device, &wait->limit);
  calls_give(wait->device, wait->expected, error, value);
  free(wait);
}

static void on_limit(void *context, timer *which) {
  (void)which;
  wait_entry *wait = context, **link = &wait->device->waits;
  while (*link != wait) link = &(*link)->next;
  *link = wait->next;
  heliograph_error error;
  bool is_topic = wait->kind == WAIT_REGISTER || wait->kind == WAIT_UNREGISTER;
  error_set(&error, "Timeout", is_topic ? wait->about : NULL,
            "no answer to %s within %u ms: it is repeated when the device connects", doing[wait->kind],
            (unsigned)wait->device->options.time_limit_ms);
  if (wait->kind == WAIT_JOIN) fit(error.channel, sizeof error.channel, wait->about);
  answer_and_free(wait, &error, NULL);
}

bool wait_add(heliograph_device *device, wait_kind kind, const char *about, heliograph_answer *answer, void *context,
              uint32_t limit_ms) {
  wait_entry *wait = calloc(1, sizeof *wait);
  if (!wait || !(wait->expected = calls_expect(answer, context))) {
    free(wait);
    heliograph_error error;
    error_no_memory(&error);
    calls_answer(device, answer, context, &error, NULL);
    return false;
  }
  wait->device = device;
  wait->kind = kind;
  fit(wait->about, sizeof wait->about, about);
  wait_entry **link = &device->waits;
  while (*link) link = &(*link)->next;
  *link = wait;
  if (limit_ms > 0) device_after(device, &wait->limit, limit_ms, on_limit, wait);
  return true;
}

static bool is_about(const wait_entry *wait, wait_kind kind, const char *about) {
  return wait->kind == kind && strcmp(wait->about, about) == 0;
}

bool wait_is_open(const heliograph_device *device, wait_kind kind, const char *about) {
  const wait_entry *wait = device->waits;
  while (wait && !is_about(wait, kind, about)) wait = wait->next;
  return wait != NULL;
}

const char *wait_only(const heliograph_device *device, wait_kind kind) {
  const char *only = NULL;
  for (const wait_entry *wait = device->waits; wait; wait = wait->next) {
    if (wait->kind != kind) continue;
    if (only && strcmp(only, wait->about) != 0) return NULL;
    only = wait->about;
  }
  return only;
}

void wait_end(heliograph_device *device, wait_kind kind, const char *about, const heliograph_error *error,
              const char *value) {
  for (wait_entry **link = &device->waits; *link;) {
    wait_entry *wait = *link;
    if (!is_about(wait, kind, about)) {
      link = &wait->next;
      continue;
    }
    *link = wait->next;
    answer_and_free(wait, error, value);
  }
}

void wait_end_all(heliograph_device *device, const heliograph_error *error) {
  for (wait_entry **link = &device->waits; *link;) {
    wait_entry *wait = *link;
    if (wait->kind == WAIT_CLOSE) {
      link = &wait->next;
      continue;
    }
    *link = wait->next;
    answer_and_free(wait, error, NULL);
  }
}
