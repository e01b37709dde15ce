/*
 * A whole device and what a broker says to it: after CONNACK, the input. A line that begins with `!` makes the program do
 * something; what comes before and between is the broker's, byte for byte.
 */
#include <string.h>

#include "../test/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char CHANNEL[] = "ABCDEFGHIJKLMNOPQRSTUVW0";
static heliograph_handling *at_work;
static unsigned handed;

static heliograph_outcome handle(void *context, const heliograph_notification *n, heliograph_handling *handling) {
  (void)context;
  (void)n;
  if (++handed % 3 == 0) return HELIOGRAPH_FAILED;
  if (handed % 3 == 1 || at_work) return HELIOGRAPH_TAKEN;
  at_work = handling;
  return HELIOGRAPH_LATER;
}

static void act(heliograph_device *device, fake *world, uint8_t what) {
  switch (what) {
    case 'r': heliograph_register(device, "t", NULL, NULL); break;
    case 'u': heliograph_unregister(device, "t", NULL, NULL); break;
    case 'j': heliograph_join(device, CHANNEL, NULL, NULL); break;
    case 'l': heliograph_leave(device, CHANNEL, NULL, NULL); break;
    case 'e': world->ends = true; break;
    case 'c': fake_say(world, "\x20\x02\x00\x00", 4); break;
    case 'd': world->is_full = !world->is_full; break;
    case 't': world->now += 20000; break;
    case 'f':
      if (at_work) heliograph_finish(at_work, handed % 2);
      at_work = NULL;
      break;
    default: break;
  }
}

static void live(heliograph_device *device, fake *world, const uint8_t *bytes, size_t size) {
  const uint8_t *end = bytes + size;
  while (bytes < end) {
    const uint8_t *mark = memchr(bytes, '!', (size_t)(end - bytes));
    size_t part = (size_t)((mark ? mark : end) - bytes);
    fake_say(world, bytes, part);
    heliograph_step(device, 0);
    heliograph_step(device, 0);
    bytes += part;
    if (!mark) break;
    if (mark + 1 < end) act(device, world, mark[1]);
    heliograph_step(device, 0);
    bytes += mark + 1 < end ? 2 : 1;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  fake world;
  heliograph_platform platform;
  fake_init(&world, &platform);
  fake_activate(&world);
  at_work = NULL;
  handed = 0;
  heliograph_options options = {.directory = "d", .platform = &platform};
  heliograph_device *device = heliograph_open(&options, NULL);
  heliograph_on_notification(device, handle, NULL);
  heliograph_connect(device, NULL, NULL);
  heliograph_register(device, "t", NULL, NULL);
  heliograph_join(device, CHANNEL, NULL, NULL);
  fake_say(&world, "\x20\x02\x00\x00", 4);
  live(device, &world, bytes, size);
  heliograph_close(device, NULL, NULL);
  for (int i = 0; i < 50 && heliograph_step(device, 1000); i++) continue;
  heliograph_free(device);
  fake_free(&world);
  return 0;
}
