/* Keeps the device's subscriptions and the channels that its program has joined the same. */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "device.h"

static const char file[] = "channels.json";
static const char remedy[] = "delete it and join every channel again";

/* The first repeat of a SUBSCRIBE that was not granted, and the longest pause between two. */
enum { FIRST_REPEAT_MS = 10000, LAST_REPEAT_MS = 600000 };

/* Return codes of a SUBACK from here on refuse [3.9.3]. */
enum { SUBSCRIBE_FAILURE = 0x80 };

static size_t find(const heliograph_device *device, const char *id) {
  size_t at = 0;
  while (at < device->channels.count && strcmp(device->channels.all[at]->id, id) != 0) at++;
  return at;
}

static joined *get(const heliograph_device *device, const char *id) {
  size_t at = find(device, id);
  return at < device->channels.count ? device->channels.all[at] : NULL;
}

bool channels_has(const heliograph_device *device, const char *id) { return get(device, id) != NULL; }

bool channels_is_granted(const heliograph_device *device, const char *id) {
  const joined *channel = get(device, id);
  return channel && channel->is_granted;
}

/* ── on disk ── */

static bool write_all(heliograph_device *device, heliograph_error *error) {
  text content;
  text_init(&content, 64 * 1024);
  text_put(&content, "{\"version\":1,\"channels\":[");
  for (size_t i = 0; i < device->channels.count; i++) {
    if (i > 0) text_put(&content, ",");
    text_quoted(&content, device->channels.all[i]->id);
  }
  text_put(&content, "]}\n");
  return state_write(device, file, &content, error);
}

static joined *make(heliograph_device *device, const char *id) {
  joined *channel = calloc(1, sizeof *channel);
  if (!channel) return NULL;
  fit(channel->id, sizeof channel->id, id);
  channel->device = device;
  return channel;
}

static bool is_entry(const cJSON *item) { return cJSON_IsString(item) && is_channel_id(item->valuestring); }

/* Returns false without memory. */
static bool read_one(heliograph_device *device, const cJSON *item) {
  joined *channel = make(device, item->valuestring);
  if (channel) device->channels.all[device->channels.count++] = channel;
  return channel != NULL;
}

bool channels_open(heliograph_device *device, heliograph_error *error) {
  cJSON *data = NULL;
  int found = state_read(device, file, remedy, &data, error);
  if (found <= 0) return found == 0;
  const cJSON *list = json_list(data, "channels"), *item = NULL;
  bool is_good = list && cJSON_GetArraySize(list) <= HELIOGRAPH_MOST_CHANNELS, is_kept = true;
  cJSON_ArrayForEach(item, list) is_good = is_good && is_entry(item);
  cJSON_ArrayForEach(item, list) {
    if (is_good && is_kept && !channels_has(device, item->valuestring)) is_kept = read_one(device, item);
  }
  cJSON_Delete(data);
  if (!is_good) state_damaged(device, file, remedy, error);
  else if (!is_kept) error_no_memory(error);
  return is_good && is_kept;
}

void channels_free(heliograph_device *device) {
  channels_on_disconnected(device);
  while (device->channels.count > 0) free(device->channels.all[--device->channels.count]);
}

/* ── what is asked of the broker ── */

static void again(void *context, timer *which) {
  (void)which;
  joined *channel = context;
  heliograph_device *device = channel->device;
  channel->repeats++;
  int64_t pause = doubled_delay(FIRST_REPEAT_MS, LAST_REPEAT_MS, channel->repeats, device_random(device));
  device_after(device, &channel->repeat, pause, again, channel);
  const char *id = channel->id;
  connection_subscribe(device, &id, 1);
}

/* At most as many as fit into one SUBSCRIBE; each is repeated until it is granted. */
static void ask(heliograph_device *device, joined *const *some, size_t count) {
  const char *ids[MQTT_MOST_FILTERS];
  for (size_t i = 0; i < count; i++) ids[i] = some[i]->id;
  if (!connection_subscribe(device, ids, count)) return;
  for (size_t i = 0; i < count; i++) {
    some[i]->repeats = 0;
    int64_t pause = doubled_delay(FIRST_REPEAT_MS, LAST_REPEAT_MS, 0, device_random(device));
    device_after(device, &some[i]->repeat, pause, again, some[i]);
  }
}

void channels_on_connected(heliograph_device *device) {
  channels *channels = &device->channels;
  for (size_t at = 0; at < channels->count; at += MQTT_MOST_FILTERS) {
    size_t rest = channels->count - at;
    ask(device, channels->all + at, rest < MQTT_MOST_FILTERS ? rest : MQTT_MOST_FILTERS);
  }
}

void channels_on_disconnected(heliograph_device *device) {
  for (size_t i = 0; i < device->channels.count; i++) {
    device->channels.all[i]->is_granted = false;
    device_stop(device, &device->channels.all[i]->repeat);
  }
}

void channels_ask_again(heliograph_device *device, const char *id) {
  joined *channel = get(device, id);
  if (channel) ask(device, &channel, 1);
}

/* ── what the program wants ── */

void channels_join(heliograph_device *device, const char *id) {
  heliograph_error error;
  joined *channel = get(device, id);
  if (!channel) {
    channels *channels = &device->channels;
    bool is_full = channels->count == HELIOGRAPH_MOST_CHANNELS;
    channel = is_full ? NULL : make(device, id);
    if (is_full) error_channel(&error, "TooManyChannels", id, "a device can join 50 channels: leave another one first");
    else if (!channel) error_no_memory(&error);
    if (!channel) {
      wait_end(device, WAIT_JOIN, id, &error, NULL);
      return;
    }
    channels->all[channels->count++] = channel;
    if (!write_all(device, &error)) {
      free(channels->all[--channels->count]);
      wait_end(device, WAIT_JOIN, id, &error, NULL);
      return;
    }
  }
  ask(device, &channel, 1);
}

bool channels_leave(heliograph_device *device, const char *id, heliograph_error *error) {
  channels *channels = &device->channels;
  size_t at = find(device, id);
  if (at == channels->count) return true;
  joined *channel = channels->all[at];
  size_t behind = (channels->count - at - 1) * sizeof channel;
  memmove(channels->all + at, channels->all + at + 1, behind);
  channels->count--;
  if (!write_all(device, error)) {
    memmove(channels->all + at + 1, channels->all + at, behind);
    channels->all[at] = channel;
    channels->count++;
    return false;
  }
  device_stop(device, &channel->repeat);
  connection_unsubscribe(device, id);
  free(channel);
  return true;
}

/* ── what the broker answers ── */

/*
 * A wish that somebody waits for is over. A channel that had been joined is kept and asked for again: a broker that is busy
 * refuses in the same words.
 */
static void on_refused(heliograph_device *device, const char *id) {
  heliograph_error error, lost;
  error_channel(&error, "ChannelRefused", id, "the broker refused a channel");
  if (!wait_is_open(device, WAIT_JOIN, id)) {
    device_report(device, &error);
    return;
  }
  if (!channels_leave(device, id, &lost)) device_report(device, &lost);
  wait_end(device, WAIT_JOIN, id, &error, NULL);
}

void channels_on_subscribed(heliograph_device *device, const sent *sent, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < sent->channel_count; i++) {
    joined *channel = get(device, sent->channels[i]);
    /* about those behind its end it says nothing: they are asked for again */
    if (!channel || i >= count) continue;
    if (codes[i] >= SUBSCRIBE_FAILURE) {
      on_refused(device, sent->channels[i]);
      continue;
    }
    device_stop(device, &channel->repeat);
    channel->is_granted = true;
    wait_end(device, WAIT_JOIN, channel->id, NULL, NULL);
  }
}

/* `each` may leave channels and join others: it gets copies, of those that were joined when it began. */
void heliograph_channels(const heliograph_device *device, void (*each)(void *context, const char *channel), void *context) {
  char ids[HELIOGRAPH_MOST_CHANNELS][HELIOGRAPH_CHANNEL_ID + 1];
  size_t count = device->channels.count;
  for (size_t i = 0; i < count; i++) fit(ids[i], sizeof ids[i], device->channels.all[i]->id);
  for (size_t i = 0; i < count; i++) each(context, ids[i]);
}
