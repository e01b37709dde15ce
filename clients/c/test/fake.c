#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mqtt.h"

/* ── clock ── */

static int64_t now(void *context) { return ((fake *)context)->now; }

static uint32_t random_bits(void *context) { return ((fake *)context)->random; }

/* ── files ── */

static fake_file *find(fake *fake, const char *name) {
  for (size_t i = 0; i < FAKE_FILES; i++)
    if (strcmp(fake->files[i].name, name) == 0) return &fake->files[i];
  return NULL;
}

void fake_put(fake *fake, const char *name, const void *bytes, size_t size) {
  fake_file *file = find(fake, name);
  if (!file) file = find(fake, "");
  if (!file) abort();
  snprintf(file->name, sizeof file->name, "%s", name);
  free(file->bytes);
  file->bytes = copy_of_bytes(bytes, size);
  file->size = file->bytes ? size : 0;
}

static void *open_storage(void *context, const char *directory, char *why) {
  (void)directory;
  (void)why;
  return context;
}

static int read_file(void *context, const char *name, size_t most, char **bytes, size_t *size, char *why) {
  fake_file *file = find(context, name);
  if (!file) return 0;
  *bytes = file->size <= most ? malloc(file->size + 1) : NULL;
  if (!*bytes) {
    snprintf(why, HELIOGRAPH_WHY, "too large");
    return -1;
  }
  if (file->size > 0) memcpy(*bytes, file->bytes, file->size);
  *size = file->size;
  return 1;
}

static bool is_writable(fake *fake, char *why) {
  if (fake->is_full) snprintf(why, HELIOGRAPH_WHY, "full");
  return !fake->is_full;
}

static bool replace_file(void *context, const char *name, const char *bytes, size_t size, char *why) {
  if (!is_writable(context, why)) return false;
  fake_put(context, name, bytes, size);
  return true;
}

static bool append_file(void *context, const char *name, const char *bytes, size_t size, char *why) {
  if (!is_writable(context, why)) return false;
  fake_file *file = find(context, name);
  size_t before = file ? file->size : 0;
  char *whole = malloc(before + size + 1);
  if (!whole) return false;
  if (before > 0) memcpy(whole, file->bytes, before);
  memcpy(whole + before, bytes, size);
  fake_put(context, name, whole, before + size);
  free(whole);
  return true;
}

static const char *path_of(void *storage, const char *name, char *buffer, size_t size) {
  (void)storage;
  snprintf(buffer, size, "%s", name);
  return buffer;
}

static void nothing(void *context) { (void)context; }

/* ── keys: "KEY" and "CERT <common name>" ── */

static bool make_key(void *context, char *pem, size_t size) {
  snprintf(pem, size, "KEY %u", ++((fake *)context)->keys);
  return true;
}

static bool make_request(void *context, const char *private_key, char *pem, size_t size) {
  (void)context;
  snprintf(pem, size, "REQUEST %s", private_key);
  return true;
}

static bool is_certificate(void *context, const char *pem) {
  (void)context;
  return strncmp(pem, "CERT", 4) == 0;
}

static bool belong_together(void *context, const char *private_key, const char *certificate) {
  return strncmp(private_key, "KEY", 3) == 0 && is_certificate(context, certificate);
}

static bool common_name(void *context, const char *certificate, char *name, size_t size) {
  return is_certificate(context, certificate) && strlen(certificate) > 5 && fit(name, size, certificate + 5);
}

/* From 1970 to 2001; the clock starts near the end. */
static bool validity(void *context, const char *certificate, int64_t *from, int64_t *to) {
  *from = 0;
  *to = 1000000000;
  return is_certificate(context, certificate);
}

/* ── a stream ── */

static void *dial(void *context, const heliograph_endpoint *endpoint, char *why) {
  (void)endpoint;
  fake *fake = context;
  fake->dials++;
  if (fake->refuses || fake->is_open) {
    snprintf(why, HELIOGRAPH_WHY, "refused");
    return NULL;
  }
  fake->is_open = true;
  return fake;
}

static heliograph_stream_state advance(void *stream, char *why) {
  (void)stream;
  (void)why;
  return HELIOGRAPH_READY;
}

static long read_stream(void *stream, void *bytes, size_t size, char *why) {
  fake *fake = stream;
  size_t part = fake->in.size < size ? fake->in.size : size;
  if (part == 0 && fake->ends) {
    snprintf(why, HELIOGRAPH_WHY, "ended");
    return -1;
  }
  if (part > 0) memcpy(bytes, fake->in.bytes, part);
  text_drop(&fake->in, part);
  return (long)part;
}

static long write_stream(void *stream, const void *bytes, size_t size, char *why) {
  (void)why;
  text_add(&((fake *)stream)->out, bytes, size);
  return (long)size;
}

static heliograph_watch watch(void *stream) {
  (void)stream;
  return (heliograph_watch){-1, 0, -1};
}

static void close_stream(void *stream) {
  fake *fake = stream;
  fake->is_open = false;
  fake->ends = false;
  text_free(&fake->in);
}

/* ── the loop ── */

static void *open_loop(void *context, char *why) {
  (void)why;
  return context;
}

static void wait_for(void *loop, const heliograph_watch *watches, size_t count, int64_t most_ms) {
  (void)watches;
  (void)count;
  ((fake *)loop)->now += most_ms < 0 ? 1 : most_ms;
}

static void lock(void *loop) {
  if (((fake *)loop)->is_locked) abort();
  ((fake *)loop)->is_locked = true;
}

static void unlock(void *loop) { ((fake *)loop)->is_locked = false; }

void fake_init(fake *fake, heliograph_platform *platform) {
  memset(fake, 0, sizeof *fake);
  fake->now = INT64_C(900000000000);
  fake->random = 0x80000000u;
  text_init(&fake->in, 64 * 1024 * 1024);
  text_init(&fake->out, 64 * 1024 * 1024);
  *platform = (heliograph_platform){
      .context = fake,
      .now_ms = now,
      .monotonic_ms = now,
      .random = random_bits,
      .storage = {open_storage, read_file, replace_file, append_file, path_of, nothing},
      .keys = {make_key, make_request, is_certificate, belong_together, common_name, validity},
      .tls = {dial, advance, read_stream, write_stream, watch, close_stream},
      .loop = {open_loop, wait_for, nothing, lock, unlock, nothing},
  };
}

void fake_free(fake *fake) {
  for (size_t i = 0; i < FAKE_FILES; i++) free(fake->files[i].bytes);
  text_free(&fake->in);
  text_free(&fake->out);
}

void fake_activate(fake *fake) {
  static const char identity[] =
      "{\"version\":1,\"activated\":{\"deviceId\":\"dev\",\"certificate\":\"CERT dev\",\"mqtt\":{\"host\":\"broker\",\"port\":8883,"
      "\"ca\":\"CERT\"},\"publish\":{\"register\":\"up/register\",\"connect\":\"up/connect\",\"unregister\":\"up/unregister\","
      "\"renew\":\"up/renew\"},\"privateKey\":\"KEY\"}}";
  fake_put(fake, "identity.json", identity, sizeof identity - 1);
}

void fake_say(fake *fake, const void *bytes, size_t size) { text_add(&fake->in, bytes, size); }

void fake_publish(fake *fake, uint16_t id, const char *topic, const char *message) {
  text packet;
  text_init(&packet, 200000);
  mqtt_write_publish(&packet, id ? id : 1, topic, message, strlen(message));
  if (!id && packet.bytes) { /* without QoS: the id goes, and the length is less by two */
    text plain;
    size_t head = packet.size - strlen(message) - strlen(topic) - 4, rest = packet.size - head - 2;
    text_init(&plain, 200000);
    text_byte(&plain, MQTT_PUBLISH << 4);
    size_t length = rest;
    do {
      text_byte(&plain, (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0)));
      length >>= 7;
    } while (length);
    text_add(&plain, packet.bytes + head, strlen(topic) + 2);
    text_put(&plain, message);
    text_free(&packet);
    packet = plain;
  }
  fake_say(fake, packet.bytes, packet.size);
  text_free(&packet);
}

bool fake_heard(fake *fake, const void *bytes, size_t size) {
  bool is_heard = false;
  for (size_t at = 0; !is_heard && at + size <= fake->out.size; at++)
    is_heard = memcmp(fake->out.bytes + at, bytes, size) == 0;
  text_free(&fake->out);
  return is_heard;
}
