/* What a program may do with its device: from callbacks, from threads, and while the device ends. */
#include "stage.h"

static const char OTHER_CHANNEL[] = "ABCDEFGHIJKLMNOPQRSTUVW1";

static void leave(void *context, const char *channel) {
  heliograph_leave(context, channel, NULL, NULL);
  tell(channel);
}

/* The id that a callback is given outlives the channel. */
static void leaves_each_channel_it_is_told_of(void) {
  begin();
  heliograph_device *device = connected();
  heliograph_join(device, CHANNEL, NULL, NULL);
  heliograph_join(device, OTHER_CHANNEL, NULL, NULL);
  step(device, 2);
  told[0] = '\0';
  heliograph_channels(device, leave, device);
  CHECK_SAME(told, "ABCDEFGHIJKLMNOPQRSTUVW0 ABCDEFGHIJKLMNOPQRSTUVW1 ");
  CHECK(device->channels.count == 0);
  finish(device);
}

static void unregister(void *context, const char *topic, const char *token) {
  heliograph_unregister(context, topic, NULL, NULL);
  tell(topic);
  tell(token);
}

static void register_with_token(heliograph_device *device) {
  heliograph_register(device, "t", on_answer, "register");
  step(device, 2);
  fake_publish(&world, 0, "heliograph/token", "{\"topic\":\"t\",\"token\":\"abc\"}");
  step(device, 2);
  CHECK(strstr(told, "register ok"));
}

static void unregisters_each_topic_it_is_told_of(void) {
  begin();
  heliograph_device *device = connected();
  register_with_token(device);
  told[0] = '\0';
  heliograph_tokens(device, unregister, device);
  CHECK_SAME(told, "t abc ");
  finish(device);
}

static void nothing_to_do(void *context) { (void)context; }

static bool has_woken_late;

static void note_wake(void *loop) {
  has_woken_late = has_woken_late || !((fake *)loop)->is_locked;
}

/* Once the lock is let go, the loop may end and be freed: nobody wakes it any more. */
static void wakes_before_it_lets_go(void) {
  begin();
  platform.loop.wake = note_wake;
  has_woken_late = false;
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  CHECK(heliograph_post(device, nothing_to_do, NULL));
  heliograph_finish(at_work, true);
  CHECK(!has_woken_late);
  finish(device);
}

static heliograph_device *posting;
static unsigned accepted, called;

static void count_call(void *context) {
  (void)context;
  called++;
}

/* As another thread may, whenever the lock is free. */
static void post_when_unlocked(void *loop) {
  ((fake *)loop)->is_locked = false;
  heliograph_device *device = posting;
  posting = NULL;
  if (device && heliograph_post(device, count_call, NULL)) accepted++;
  posting = device;
}

/* What was accepted is called, however late it came. */
static void calls_what_it_accepted(void) {
  begin();
  platform.loop.unlock = post_when_unlocked;
  accepted = called = 0;
  heliograph_device *device = open_device();
  posting = device;
  heliograph_close(device, NULL, NULL);
  heliograph_run(device);
  posting = NULL;
  CHECK(accepted > 0 && accepted == called);
  finish(device);
}

/* Which is after what close waits for; the next process is not handed it again. */
static void remembers_what_is_finished_late(heliograph_device *device, bool runs) {
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  heliograph_close(device, NULL, NULL);
  step(device, 1);
  world.now += 5001;
  if (runs) heliograph_run(device);
  else step(device, 1);
  heliograph_finish(at_work, true);
  if (!runs) heliograph_run(device);
  heliograph_free(device);
  device = connected();
  told[0] = '\0';
  fake_publish(&world, 8, "heliograph/notification", NOTE("a"));
  step(device, 3);
  CHECK_SAME(told, "dropped ");
  CHECK(fake_heard(&world, "\x40\x02\x00\x08", 4));
  finish(device);
}

static void remembers_what_is_finished_after_the_limit(void) {
  begin();
  remembers_what_is_finished_late(connected(), false);
}

static void remembers_what_is_finished_after_close(void) {
  begin();
  remembers_what_is_finished_late(connected(), true);
}

/* The id of an expired device stays valid while its next key is stored. */
static void keeps_its_id_valid(void) {
  begin();
  world.now = INT64_C(2000000000000);
  heliograph_options options = {
      .directory = "d", .platform = &platform, .activation_url = "https://h/", .activation_code = "CODE"};
  heliograph_device *device = heliograph_open(&options, NULL);
  const char *id = heliograph_device_id(device);
  heliograph_activate(device, NULL, NULL);
  CHECK(device->identity.fresh_key);
  CHECK_SAME(id, "dev");
  finish(device);
}

int main(void) {
  keeps_its_id_valid();
  remembers_what_is_finished_after_the_limit();
  remembers_what_is_finished_after_close();
  wakes_before_it_lets_go();
  calls_what_it_accepted();
  leaves_each_channel_it_is_told_of();
  unregisters_each_topic_it_is_told_of();
  return 0;
}
