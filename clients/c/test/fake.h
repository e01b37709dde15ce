/* A platform in memory: no files, no network, and a clock that moves when the loop waits. For tests and fuzzers. */
#ifndef FAKE_H
#define FAKE_H

#include "heliograph/platform.h"
#include "text.h"

enum { FAKE_FILES = 8 };

typedef struct {
  char name[32];
  char *bytes;
  size_t size;
} fake_file;

typedef struct {
  fake_file files[FAKE_FILES];
  bool is_full; /* the disk */
  int64_t now;  /* ms since 1970, and the monotonic clock */
  uint32_t random;
  unsigned keys;  /* made so far */
  unsigned dials; /* so far */
  bool refuses;   /* each attempt to connect */
  bool is_locked; /* the loop */
  bool is_open;   /* the stream; there is one at a time */
  bool ends;      /* the peer, once all that it said has been read */
  text in;        /* what the peer says */
  text out;       /* what the device has said since the last look */
} fake;

void fake_init(fake *fake, heliograph_platform *platform);
void fake_free(fake *fake);
/* Puts a file there, as it may have been left. */
void fake_put(fake *fake, const char *name, const void *bytes, size_t size);
/* An identity of the device `dev`; its broker is at `broker:8883`. */
void fake_activate(fake *fake);
/* What the peer says next. */
void fake_say(fake *fake, const void *bytes, size_t size);
/* A message on an MQTT topic; `id` 0: QoS 0. */
void fake_publish(fake *fake, uint16_t id, const char *topic, const char *message);
/* Whether the device has said this; forgets all that it has said. */
bool fake_heard(fake *fake, const void *bytes, size_t size);

#endif
