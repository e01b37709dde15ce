/*
 * Writes the seeds of the fuzzers, a folder each: the messages of docs/device-sdk.md, as they come over the wire and as they
 * lie on disk.
 *
 *   fuzz-seeds FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../test/fake.h"
#include "mqtt.h"

#define CHANNEL_TOPIC "heliograph/channel/ABCDEFGHIJKLMNOPQRSTUVW0"
#define CHANNEL "\"channel\":\"ABCDEFGHIJKLMNOPQRSTUVW0\","
#define HEAD                                                                                                              \
  "\"id\":\"123e4567-e89b-42d3-a456-426614174000\",\"uniqueId\":\"9b2d1c60-5f0a-4a53-8f3e-2f1f6c0e7a11\",\"topic\":\"t\"," \
  "\"seq\":\"01KB2Y3Z4W5V6T7S8R9QAPBNCM\",\"acceptedAt\":1795444921898,"
#define TAIL "\"expiration\":1798036921,\"priority\":10,\"pushType\":\"alert\",\"payload\":{\"aps\": {\"alert\":\"h\\u00e9llo\"}}}"

static const struct {
  const char *topic;
  const char *message;
  uint16_t id;
} messages[] = {
    {"heliograph/notification", "{" HEAD "\"stored\":false," TAIL, 7},
    {"heliograph/notification", "{" HEAD "\"stored\":true,\"collapseId\":\"score\",\"pending\":\"perCollapseId\"," TAIL, 8},
    {"heliograph/notification", "{\"id\":\"a\",\"topic\":\"t\",\"acceptedAt\":1e400,\"payload\":[[[[[[[[]]]]]]]]}", 9},
    {CHANNEL_TOPIC, "{" CHANNEL HEAD TAIL, 10},
    {"heliograph/token", "{\"topic\":\"t\",\"token\":\"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\"}", 0},
    {"heliograph/connected",
     "{\"accepted\":[\"t\"],\"renewed\":[{\"topic\":\"t\",\"token\":\"ab\"}],\"rejected\":[{\"token\":\"ab\",\"reason\":\"Unregistered\"}]}", 0},
    {"heliograph/error", "{\"reason\":\"UnknownTopic\",\"request\":{\"kind\":\"register\",\"topic\":\"t\"}}", 0},
    {"heliograph/error", "{\"reason\":\"TooManyRenewals\",\"request\":{\"kind\":\"renew\"}}", 0},
    {"heliograph/certificate", "{\"certificate\":\"CERT dev\"}", 0},
    {"heliograph/move", "{\"mqtt\":{\"host\":\"new\",\"port\":8883,\"ca\":\"CERT\"}}", 0},
    {"heliograph/move", "{}", 0},
    {"heliograph/future", "{\"novelty\":[1]}", 11},
};

static const char *const replies[] = {
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"deviceId\":\"dev\"}",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nTransfer-Encoding: chunked\r\n\r\n9;x=y\r\n{\"reason\"\r\n6\r\n:\"no\"}\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 Unavailable\r\n\r\nuntil the end",
    "https://[::1]:8443/activate?stage=prod",
};

static const char *const state[] = {
    "1{\"version\":1,\"topics\":{\"t\":{\"state\":\"wanted\",\"token\":\"ab\"},\"u\":{\"state\":\"leaving\"}}}",
    "2{\"version\":1,\"channels\":[\"ABCDEFGHIJKLMNOPQRSTUVW0\"]}",
    "3{\"id\":\"a\",\"topic\":\"t\",\"acceptedAt\":5,\"seq\":\"01\",\"stored\":true}\n{\"id\":\"b\",\"topic\":\"t\",\"acceptedAt\":6}\n",
};

static char folder[512];
static unsigned number;

static void begin(const char *root, const char *name) {
  snprintf(folder, sizeof folder, "%s/%s", root, name);
  mkdir(folder, 0777);
  number = 0;
}

static void save(const void *bytes, size_t size) {
  char path[600];
  snprintf(path, sizeof path, "%s/%02u", folder, ++number);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(1);
}

static void save_text(const char *given) { save(given, strlen(given)); }

/* What one of these packets, or all of them, look like on the wire; then what the program does, marked by `!`. */
static void save_session(fake *wire, const char *acts) {
  fake_say(wire, acts, strlen(acts));
  save(wire->in.bytes, wire->in.size);
  text_free(&wire->in);
}

static void save_packets(void) {
  fake wire;
  heliograph_platform platform;
  fake_init(&wire, &platform);
  size_t count = sizeof messages / sizeof *messages;
  for (size_t i = 0; i < count; i++) {
    fake_publish(&wire, messages[i].id, messages[i].topic, messages[i].message);
    save_session(&wire, "");
  }
  for (size_t i = 0; i < count; i++) fake_publish(&wire, messages[i].id, messages[i].topic, messages[i].message);
  save_session(&wire, "!f!u!e!t!c!r!j!l!d!t");
  fake_say(&wire, "\x40\x02\x00\x01\x40\x02\x00\x02\x90\x03\x00\x03\x01\xb0\x02\x00\x04\xd0\x00", 19);
  save_session(&wire, "!t!u!l!j!e!t!c");
  fake_free(&wire);
}

int main(int count, char **words) {
  if (count != 2) return 2;
  mkdir(words[1], 0777);
  const char *const over_the_wire[] = {"mqtt", "session"};
  for (size_t i = 0; i < 2; i++) {
    begin(words[1], over_the_wire[i]);
    save_packets();
  }
  begin(words[1], "messages");
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
    char message[1024];
    int size = snprintf(message, sizeof message, "%c%s", strstr(messages[i].message, "channel") ? 1 : 0, messages[i].message);
    /* the first byte may be NUL */
    memcpy(message + 1, messages[i].message, (size_t)size - 1);
    save(message, (size_t)size);
  }
  begin(words[1], "http");
  for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) save_text(replies[i]);
  begin(words[1], "state");
  for (size_t i = 0; i < sizeof state / sizeof *state; i++) {
    char file[1024];
    snprintf(file, sizeof file, "%s", state[i]);
    file[0] = (char)(file[0] - '0');
    save(file, strlen(state[i]));
  }
  fake identity;
  heliograph_platform platform;
  fake_init(&identity, &platform);
  fake_activate(&identity);
  text whole;
  text_init(&whole, 65536);
  text_byte(&whole, 0);
  text_add(&whole, identity.files[0].bytes, identity.files[0].size);
  save(whole.bytes, whole.size);
  text_free(&whole);
  fake_free(&identity);
  return 0;
}
