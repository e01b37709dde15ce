/* What the tests of a whole device share: one device, one world, and what the program was told. */
#ifndef STAGE_H
#define STAGE_H

#include "device.h"

#include "fake.h"
#include "test.h"

static const char CONNACK[] = "\x20\x02\x00\x00";
static const char CHANNEL[] = "ABCDEFGHIJKLMNOPQRSTUVW0";

static fake world;
static heliograph_platform platform;
static char told[4096]; /* events and answers, each followed by a space */
static heliograph_handling *at_work;
static heliograph_outcome outcome;

static inline void tell(const char *what) {
  size_t used = strlen(told);
  if (used + strlen(what) + 2 <= sizeof told) snprintf(told + used, sizeof told - used, "%s ", what);
}

static inline void on_event(void *context, const heliograph_event *event) {
  (void)context;
  static const char *const names[] = {"connected", "disconnected", "token", "accepted", "rejected", "dropped", "moved"};
  tell(event->kind == HELIOGRAPH_ERROR ? event->error->reason : names[event->kind]);
}

static inline void on_answer(void *context, const heliograph_error *error, const char *value) {
  (void)value;
  tell(context);
  tell(error ? error->reason : "ok");
  CHECK(!error || !strstr(error->message, "SECRET"));
}

static inline void on_log(void *context, const char *line) {
  (void)context;
  CHECK(!strstr(line, "SECRET"));
}

static inline heliograph_outcome handle(void *context, const heliograph_notification *n, heliograph_handling *handling) {
  (void)context;
  (void)n;
  at_work = handling;
  tell("handed");
  return outcome;
}

static inline heliograph_device *open_device(void) {
  heliograph_options options = {.directory = "d", .on_event = on_event, .platform = &platform};
  heliograph_device *device = heliograph_open(&options, NULL);
  if (device) heliograph_on_notification(device, handle, NULL);
  return device;
}

static inline void step(heliograph_device *device, int times) {
  while (times-- > 0) heliograph_step(device, 0);
}

static inline void begin(void) {
  fake_init(&world, &platform);
  fake_activate(&world);
  told[0] = '\0';
  outcome = HELIOGRAPH_TAKEN;
  at_work = NULL;
}

static inline void finish(heliograph_device *device) {
  heliograph_free(device);
  fake_free(&world);
}

static inline heliograph_device *connected(void) {
  heliograph_device *device = open_device();
  heliograph_connect(device, on_answer, "connect");
  fake_say(&world, CONNACK, 4);
  step(device, 4);
  CHECK(heliograph_is_connected(device));
  return device;
}

#define NOTE(id) "{\"id\":\"" id "\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}"

#endif
