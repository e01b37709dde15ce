/* What a service may do that is late, odd or hostile: a whole device over a platform in memory. */
#include "stage.h"

static const char OTHER_CHANNEL[] = "ABCDEFGHIJKLMNOPQRSTUVW1";

static void account(void) {
  fake_publish(&world, 0, "heliograph/connected", "{\"accepted\":[],\"renewed\":[],\"rejected\":[]}");
}

static void greet(heliograph_device *device) {
  step(device, 3);
  fake_say(&world, CONNACK, 4);
  step(device, 4);
  CHECK(heliograph_is_connected(device));
}

static int64_t tick(void *context) { return ((fake *)context)->now++; }

/* The CONNACK comes in the turn in which close has waited long enough, before the timer that cuts the connection. */
static void ends_though_a_connack_comes(void) {
  begin();
  platform.monotonic_ms = tick;
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  heliograph_close(device, NULL, NULL);
  world.ends = true;
  step(device, 2);
  while (device->connection.state != LINK_GREETING) {
    world.now += 10;
    step(device, 1);
  }
  world.now = device->close_limit.at;
  fake_say(&world, CONNACK, 4);
  bool is_open = true;
  for (int i = 0; is_open && i < 20; i++) is_open = heliograph_step(device, 1000);
  CHECK(!is_open);
  finish(device);
}

#define MOVE(host) "{\"mqtt\":{\"host\":\"" host "\",\"port\":1,\"ca\":\"CERT\"}}"

/* An answer of the place that sends the device on does not prove the place it is sent to. */
static void goes_only_where_it_has_been(void) {
  begin();
  heliograph_device *device = connected();
  account();
  fake_publish(&world, 0, "heliograph/move", MOVE("second"));
  greet(device);
  fake_publish(&world, 0, "heliograph/move", MOVE("third"));
  account();
  heliograph_step(device, 0);
  CHECK_SAME(device->identity.mqtt.host, "broker");
  greet(device);
  CHECK_SAME(device->connection.used_broker.host, "third");
  account();
  step(device, 2);
  CHECK_SAME(device->identity.mqtt.host, "third");
  finish(device);
}

static void register_with_token(heliograph_device *device) {
  heliograph_register(device, "t", NULL, NULL);
  step(device, 2);
  fake_publish(&world, 0, "heliograph/token", "{\"topic\":\"t\",\"token\":\"abc\"}");
  step(device, 2);
}

/* What is not on disk has not happened: notifications for the topic still count. */
static void keeps_a_topic_that_cannot_be_given_up(void) {
  begin();
  heliograph_device *device = connected();
  register_with_token(device);
  world.is_full = true;
  heliograph_unregister(device, "t", on_answer, "unregister");
  step(device, 2);
  world.is_full = false;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  CHECK(strstr(told, "unregister StateUnusable handed ") && !strstr(told, "dropped"));
  finish(device);
}

static void acknowledge_last(heliograph_device *device) {
  char puback[4] = {0x40, 2, (char)(device->connection.last_id >> 8), (char)device->connection.last_id};
  fake_say(&world, puback, 4);
  step(device, 2);
}

/* For the token that is there anyway, it is enough to ask while somebody waits. */
static void stops_asking_when_nobody_waits(void) {
  begin();
  heliograph_device *device = connected();
  account();
  register_with_token(device);
  heliograph_register(device, "t", on_answer, "register");
  step(device, 2);
  acknowledge_last(device);
  for (int i = 0; i < 31; i++) {
    world.now += 1000;
    step(device, 2);
  }
  CHECK(strstr(told, "register Timeout"));
  uint16_t last = device->connection.last_id;
  for (int i = 0; i < 1000; i++) {
    world.now += 1000;
    fake_say(&world, "\xd0\x00", 2);
    step(device, 2);
  }
  CHECK(heliograph_is_connected(device) && device->connection.last_id == last);
  finish(device);
}

/* A SUBACK with fewer codes than filters says nothing about the others. */
static void keeps_asking_for_what_is_not_answered(void) {
  begin();
  heliograph_device *device = connected();
  heliograph_join(device, CHANNEL, NULL, NULL);
  heliograph_join(device, OTHER_CHANNEL, NULL, NULL);
  world.ends = true;
  step(device, 2);
  world.now += 2000;
  greet(device);
  char suback[5] = {(char)0x90, 3, 0, (char)device->connection.last_id, 1};
  fake_say(&world, suback, 5);
  step(device, 3);
  CHECK(device->channels.count == 2 && channels_is_granted(device, CHANNEL));
  CHECK(!channels_is_granted(device, OTHER_CHANNEL) && device->channels.all[1]->repeat.runs);
  finish(device);
}

static size_t rewrites;
static bool (*replace)(void *storage, const char *name, const char *bytes, size_t size, char *why);

static bool count_rewrite(void *storage, const char *name, const char *bytes, size_t size, char *why) {
  if (strcmp(name, "taken.jsonl") == 0) rewrites++;
  return replace(storage, name, bytes, size, why);
}

/* However many topics it has to remember. */
static void rewrites_its_journal_now_and_then(void) {
  begin();
  replace = platform.storage.replace;
  platform.storage.replace = count_rewrite;
  heliograph_device *device = connected();
  rewrites = 0;
  for (int i = 0; i < 2500; i++) {
    char message[200];
    snprintf(message, sizeof message, "{\"id\":\"%d\",\"topic\":\"t%d\",\"acceptedAt\":5,\"stored\":true,\"payload\":{}}", i,
             i < 500 ? i : 500);
    fake_publish(&world, 7, "heliograph/notification", message);
    step(device, 1);
    text_free(&world.out);
  }
  CHECK(rewrites == 2500 / HELIOGRAPH_REMEMBERED_IDS);
  finish(device);
}

/* `character` as often as the texts of a notification may have it. */
static void publish_filled_with(const char *character, int number) {
  char filler[6 * 245 + 1] = "", message[8000];
  for (int i = 0; i < 245; i++) strcat(filler, character);
  int size = (int)strlen(character);
  snprintf(message, sizeof message,
           "{\"id\":\"%05d%.*s\",\"topic\":\"%05d%s\",\"seq\":\"%05d%.*s\",\"stored\":true,\"acceptedAt\":6,\"payload\":{}}", number,
           120 * size, filler, number, filler, number, 55 * size, filler);
  fake_publish(&world, 7, "heliograph/notification", message);
}

/* Whatever the texts of its notifications are full of, the device can be opened again. */
static void opens_after_all_it_was_sent(void) {
  begin();
  heliograph_device *device = connected();
  for (int i = 0; i < 1300; i++) {
    publish_filled_with(i % 2 ? "\\u0001" : "\\\"", i);
    step(device, 1);
    text_free(&world.out);
  }
  CHECK(heliograph_is_connected(device) && device->inbox.appended < HELIOGRAPH_REMEMBERED_IDS);
  heliograph_free(device);
  device = open_device();
  CHECK(device && device->inbox.taken.id_count > 0);
  finish(device);
}

/* Of too much, the last counts; what is more than any SDK writes is forgotten, and only repeats are lost. */
static void opens_with_a_journal_that_is_too_large(void) {
  const size_t most = (size_t)(TAKEN_MOST_LINES + HELIOGRAPH_REMEMBERED_IDS) * TAKEN_MOST_LINE, sizes[] = {2 * most, 5 * most};
  static const char last[] = "\n{\"id\":\"a\",\"topic\":\"t\",\"acceptedAt\":5}\n";
  for (size_t i = 0; i < 2; i++) {
    begin();
    char *journal = malloc(sizes[i]);
    CHECK(journal);
    memset(journal, ' ', sizes[i]);
    memcpy(journal + sizes[i] - sizeof last + 1, last, sizeof last - 1);
    fake_put(&world, "taken.jsonl", journal, sizes[i]);
    free(journal);
    heliograph_device *device = connected();
    CHECK(device->inbox.taken.id_count == (i == 0 ? 1 : 0));
    finish(device);
  }
}

static size_t largest; /* of all that was queued at once */

static void look(void *context, const heliograph_event *event) {
  (void)context;
  (void)event;
}

/* A thousand entries in each of many messages are told a few messages at a time, and none is lost. */
static void stops_reading_while_much_is_to_be_told(void) {
  begin();
  heliograph_options options = {.directory = "d", .on_event = look, .platform = &platform};
  heliograph_device *device = heliograph_open(&options, NULL);
  heliograph_connect(device, NULL, NULL);
  fake_say(&world, CONNACK, 4);
  step(device, 4);
  text message;
  text_init(&message, 131072);
  text_put(&message, "{\"rejected\":[{}");
  for (int i = 0; i < 999; i++) text_put(&message, ",{}");
  text_put(&message, "]}");
  for (int i = 0; i < 60; i++) fake_publish(&world, 0, "heliograph/connected", message.bytes);
  text_free(&message);
  fake_publish(&world, 7, "heliograph/notification", "no");
  largest = 0;
  bool is_more = true;
  while (is_more) {
    is_more = connection_turn(device);
    if (device->call_count > largest) largest = device->call_count;
    calls_make(device);
  }
  CHECK(largest >= 1000 && largest <= 2000);
  CHECK(world.in.size == 0 && device->connection.in.size == 0 && fake_heard(&world, "\x40\x02\x00\x07", 4));
  finish(device);
}

static size_t reads;
static long (*read_bytes)(void *stream, void *bytes, size_t size, char *why);

static long read_one_byte(void *stream, void *bytes, size_t size, char *why) {
  reads++;
  return read_bytes(stream, bytes, size < 1 ? size : 1, why);
}

/* An answer in small pieces comes in many turns, in which the rest goes on. */
static void reads_an_answer_a_part_at_a_time(void) {
  begin();
  fake_free(&world);
  fake_init(&world, &platform);
  read_bytes = platform.tls.read;
  platform.tls.read = read_one_byte;
  heliograph_options options = {
      .directory = "d", .platform = &platform, .activation_url = "https://h/", .activation_code = "CODE"};
  heliograph_device *device = heliograph_open(&options, NULL);
  heliograph_activate(device, on_answer, "activate");
  char reply[500];
  const char *refusal = "{\"reason\":\"UsedActivationCode\"}";
  snprintf(reply, sizeof reply, "HTTP/1.1 403 No\r\nX: %0200d\r\nContent-Length: %zu\r\n\r\n%s", 1, strlen(refusal), refusal);
  fake_say(&world, reply, strlen(reply));
  reads = 0;
  CHECK(activation_turn(device) && reads == 32);
  while (activation_turn(device)) CHECK(reads < 500);
  step(device, 1);
  CHECK_SAME(told, "activate UsedActivationCode ");
  finish(device);
}

int main(void) {
  stops_reading_while_much_is_to_be_told();
  reads_an_answer_a_part_at_a_time();
  rewrites_its_journal_now_and_then();
  opens_after_all_it_was_sent();
  opens_with_a_journal_that_is_too_large();
  ends_though_a_connack_comes();
  goes_only_where_it_has_been();
  keeps_a_topic_that_cannot_be_given_up();
  stops_asking_when_nobody_waits();
  keeps_asking_for_what_is_not_answered();
  return 0;
}
