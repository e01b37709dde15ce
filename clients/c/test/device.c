/* A whole device over a platform in memory: what the conformance suite cannot see or cannot cause. */
#include "stage.h"

static void acknowledges_what_is_finished_later(void) {
  begin();
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  fake_publish(&world, 8, "heliograph/notification", NOTE("b"));
  step(device, 4);
  CHECK(at_work && !fake_heard(&world, "\x40\x02\x00\x07", 4));
  CHECK(strstr(told, "handed ") && !strstr(told, "handed handed"));
  heliograph_finish(at_work, true);
  step(device, 2);
  CHECK(fake_heard(&world, "\x40\x02\x00\x07", 4));
  CHECK(strstr(told, "handed handed"));
  heliograph_finish(at_work, false);
  step(device, 3);
  CHECK(!fake_heard(&world, "\x40\x02\x00\x08", 4) && strstr(told, "HandlerFailed"));
  finish(device);
}

/* A message id means nothing on another connection. */
static void acknowledges_on_its_own_connection(void) {
  begin();
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  world.ends = true;
  step(device, 2);
  CHECK(!heliograph_is_connected(device));
  world.now += 1000;
  fake_say(&world, CONNACK, 4);
  step(device, 4);
  CHECK(heliograph_is_connected(device));
  heliograph_finish(at_work, true);
  step(device, 3);
  CHECK(!fake_heard(&world, "\x40\x02\x00\x07", 4));
  finish(device);
}

static bool asks_after(heliograph_device *device, int64_t pause) {
  world.now += pause;
  step(device, 3);
  return fake_heard(&world, "{\"topic\":\"t\"}", 13);
}

/* The PUBACK of a repeat says nothing of the answer. */
static void asks_less_often_each_time(void) {
  begin();
  world.random = 0x80000000u; /* the middle of each pause */
  heliograph_device *device = connected();
  fake_publish(&world, 0, "heliograph/connected", "{\"accepted\":[],\"renewed\":[],\"rejected\":[]}");
  step(device, 3);
  heliograph_register(device, "t", on_answer, "register");
  CHECK(asks_after(device, 0));
  fake_say(&world, "\x40\x02\x00\x03", 4);
  CHECK(!asks_after(device, 0) && !asks_after(device, 9000) && asks_after(device, 1000));
  fake_say(&world, "\x40\x02\x00\x04", 4);
  CHECK(!asks_after(device, 0) && !asks_after(device, 19000) && asks_after(device, 1000));
  finish(device);
}

static void finishes_after_close(void) {
  begin();
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  heliograph_close(device, on_answer, "close");
  heliograph_run(device);
  CHECK(strstr(told, "close ok"));
  heliograph_finish(at_work, true);
  CHECK(!heliograph_post(device, NULL, NULL) && !heliograph_step(device, 0));
  heliograph_register(device, "t", on_answer, "register");
  heliograph_close(device, on_answer, "again");
  heliograph_step(device, 0);
  CHECK(strstr(told, "register Closed") && strstr(told, "again ok"));
  finish(device);
}

static void answers_each_call_once(void) {
  begin();
  heliograph_device *device = open_device();
  char longest[300];
  memset(longest, 'a', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  heliograph_register(device, longest, on_answer, "1");
  heliograph_register(device, "", on_answer, "2");
  heliograph_join(device, "short", on_answer, "3");
  heliograph_register(device, "t", on_answer, "4");
  heliograph_register(device, "t", on_answer, "5");
  heliograph_unregister(device, "t", on_answer, "6");
  heliograph_join(device, CHANNEL, on_answer, "7");
  heliograph_leave(device, CHANNEL, on_answer, "8");
  heliograph_connect(device, on_answer, "9");
  world.refuses = true;
  heliograph_close(device, on_answer, "0");
  heliograph_run(device);
  CHECK_SAME(told,
             "1 BadTopic 2 BadTopic 3 BadChannelId 4 Closed 5 Closed 7 Closed 8 ok 6 Closed 9 Closed disconnected 0 ok ");
  finish(device);
}

static void leaves_a_broker_that_breaks_the_rules(void) {
  static const struct {
    const char *bytes;
    size_t size;
  } bad[] = {{"\x20\x02\x00\x00", 4},                 /* CONNACK twice */
             {"\x34\x07\x00\x01t\x00\x01{}", 9},      /* QoS 2 */
             {"\x30\xff\xff\xff\x7f", 5},             /* 256 MiB */
             {"\x10\x00", 2},                         /* CONNECT */
             {"\xf0\x00", 2}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    begin();
    heliograph_device *device = connected();
    fake_say(&world, bad[i].bytes, bad[i].size);
    step(device, 2);
    CHECK(!heliograph_is_connected(device) && strstr(told, "disconnected"));
    finish(device);
  }
}

/* What was never asked for does nothing; other topics wait for nothing. */
static void ignores_what_it_did_not_ask_for(void) {
  begin();
  heliograph_device *device = connected();
  fake_say(&world, "\x40\x02\x99\x99\xb0\x02\x99\x99\x90\x03\x99\x99\x80\xd0\x00", 15);
  fake_publish(&world, 0, "heliograph/notification", NOTE("a"));
  fake_publish(&world, 9, "heliograph/channel/ABCDEFGHIJKLMNOPQRSTUVW0", NOTE("b"));
  step(device, 4);
  CHECK(fake_heard(&world, "\x40\x02\x00\x09", 4) && heliograph_is_connected(device));
  CHECK_SAME(told, "connected connect ok handed ");
  finish(device);
}

/* A broker that sends more than it may fills a bounded part of the memory. */
static void bounds_what_waits(void) {
  begin();
  heliograph_device *device = connected();
  heliograph_on_notification(device, NULL, NULL);
  char message[256];
  for (unsigned i = 1; i <= 3000; i++) {
    snprintf(message, sizeof message, "{\"id\":\"%u\",\"topic\":\"t%u\",\"acceptedAt\":5,\"payload\":{}}", i, i);
    fake_publish(&world, (uint16_t)i, "heliograph/notification", message);
    if (i % 50 == 0) step(device, 2);
  }
  step(device, 100);
  CHECK(device->inbox.waiting == MOST_WAITING_ALL && device->redrain.count == MOST_FAILING);
  finish(device);
}

/* An answer about more tokens than a device can hold does not fill the memory with what the program is to be told. */
static void bounds_what_is_told(void) {
  begin();
  heliograph_device *device = connected();
  text message;
  text_init(&message, 131072);
  text_put(&message, "{\"accepted\":[],\"renewed\":[],\"rejected\":[{}");
  for (int i = 0; i < 40000; i++) text_put(&message, ",{}");
  text_put(&message, "]}");
  fake_publish(&world, 0, "heliograph/connected", message.bytes);
  text_free(&message);
  size_t count = 0;
  while (world.in.size > 0) connection_turn(device);
  for (call *each = device->calls; each; each = *(call **)each) count++;
  CHECK(count == 1000);
  step(device, 2);
  finish(device);
}

static void leaves_damaged_state_alone(void) {
  const char *const names[] = {"identity.json", "registrations.json", "channels.json"};
  for (size_t i = 0; i < 3; i++) {
    begin();
    heliograph_error error;
    heliograph_options options = {.directory = "d", .platform = &platform};
    fake_put(&world, names[i], "{\"version\":1", 12);
    CHECK(!heliograph_open(&options, &error));
    CHECK_SAME(error.reason, "StateDamaged");
    fake_put(&world, names[i], "{\"version\":2}", 13);
    CHECK(!heliograph_open(&options, &error));
    CHECK_SAME(error.reason, "StateDamaged");
    fake_free(&world);
  }
}

static const char created[] =
    "{\"deviceId\":\"dev\",\"certificate\":\"CERT dev\",\"mqtt\":{\"host\":\"broker\",\"port\":8883,\"ca\":\"CERT\"},"
    "\"publish\":{\"register\":\"r\",\"connect\":\"c\",\"unregister\":\"u\"}}";

/* An endpoint that repeats the code in its refusal does not get it into an error or a log. */
static void keeps_the_code_to_itself(void) {
  begin();
  fake_free(&world);
  fake_init(&world, &platform);
  heliograph_options options = {.directory = "d",
                                .activation_url = "https://h/",
                                .activation_code = "SECRET-CODE",
                                .on_event = on_event,
                                .log = on_log,
                                .platform = &platform};
  heliograph_device *device = heliograph_open(&options, NULL);
  heliograph_activate(device, on_answer, "activate");
  const char *refusal = "{\"reason\":\"UsedActivationCode\",\"detail\":\"x SECRET-CODE\"}";
  char reply[600];
  snprintf(reply, sizeof reply, "HTTP/1.1 403 No\r\nContent-Length: %zu\r\n\r\n%s", strlen(refusal), refusal);
  fake_say(&world, reply, strlen(reply));
  step(device, 4);
  CHECK_SAME(told, "activate UsedActivationCode ");
  heliograph_activate(device, on_answer, "again");
  snprintf(reply, sizeof reply, "HTTP/1.1 201 Created\r\nContent-Length: %zu\r\n\r\n%s", strlen(created), created);
  fake_say(&world, reply, strlen(reply));
  step(device, 4);
  CHECK_SAME(heliograph_device_id(device), "dev");
  CHECK(world.keys == 1);
  finish(device);
}

int main(void) {
  acknowledges_what_is_finished_later();
  acknowledges_on_its_own_connection();
  asks_less_often_each_time();
  finishes_after_close();
  answers_each_call_once();
  leaves_a_broker_that_breaks_the_rules();
  ignores_what_it_did_not_ask_for();
  bounds_what_waits();
  bounds_what_is_told();
  leaves_damaged_state_alone();
  keeps_the_code_to_itself();
  return 0;
}
