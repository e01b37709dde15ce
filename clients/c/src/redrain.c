/* Otherwise it would lie where it waits until the next connect, which for a steady connection can be weeks away. */
#include <string.h>

#include "backoff.h"
#include "device.h"

/* The service tries twice within ten seconds by itself; after that it waits to be asked. */
enum { FIRST_ASK_MS = 15000, LAST_ASK_MS = 900000 };

static void ask_for_topics(redrain *redrain) { registrar_present(redrain->device); }

static void ask_for_channels(redrain *redrain) {
  for (size_t i = 0; i < redrain->count; i++) channels_ask_again(redrain->device, redrain->failing[i]);
}

void redrain_open(heliograph_device *device) {
  device->redrain.device = device->rejoin.device = device;
  device->redrain.ask_for = ask_for_topics;
  device->rejoin.ask_for = ask_for_channels;
}

static size_t find(const redrain *redrain, const char *origin) {
  size_t at = 0;
  while (at < redrain->count && strcmp(redrain->failing[at], origin) != 0) at++;
  return at;
}

static void ask(void *context, timer *which) {
  (void)which;
  redrain *redrain = context;
  redrain->asked++;
  if (redrain->device->connection.state == LINK_OPEN) redrain->ask_for(redrain);
}

void redrain_on_failed(redrain *redrain, const char *origin) {
  heliograph_device *device = redrain->device;
  if (find(redrain, origin) == redrain->count && redrain->count < MOST_FAILING)
    fit(redrain->failing[redrain->count++], sizeof redrain->failing[0], origin);
  if (redrain->ask.runs) return;
  int64_t pause = doubled_delay(FIRST_ASK_MS, LAST_ASK_MS, redrain->asked, device_random(device));
  device_after(device, &redrain->ask, pause, ask, redrain);
}

void redrain_on_taken(redrain *redrain, const char *origin) {
  size_t at = find(redrain, origin);
  if (at == redrain->count) return;
  memmove(redrain->failing[at], redrain->failing[--redrain->count], sizeof redrain->failing[at]);
  if (redrain->count == 0) redrain_stop(redrain);
}

void redrain_stop(redrain *redrain) {
  device_stop(redrain->device, &redrain->ask);
  redrain->count = 0;
  redrain->asked = 0;
}
