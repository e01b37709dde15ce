/* A whole device without memory: each allocation fails once. */
#include "stage.h"

static long allocations_left = -1;

static bool is_out_of_memory(void) { return allocations_left >= 0 && allocations_left-- == 0; }

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size) { return is_out_of_memory() ? NULL : __real_malloc(size); }

void *__wrap_calloc(size_t count, size_t size) { return is_out_of_memory() ? NULL : __real_calloc(count, size); }

static void *allocate(size_t size) { return __wrap_malloc(size); }

static void live(void) {
  begin();
  heliograph_device *device = open_device();
  if (!device) {
    fake_free(&world);
    return;
  }
  heliograph_connect(device, on_answer, "connect");
  heliograph_register(device, "t", on_answer, "register");
  heliograph_join(device, CHANNEL, on_answer, "join");
  fake_say(&world, CONNACK, 4);
  step(device, 3);
  fake_publish(&world, 0, "heliograph/token", "{\"topic\":\"t\",\"token\":\"abc\"}");
  fake_publish(&world, 0, "heliograph/connected", "{\"accepted\":[\"t\"],\"renewed\":[],\"rejected\":[{\"token\":\"abc\",\"reason\":\"Unregistered\"}]}");
  fake_publish(&world, 0, "heliograph/move", "{\"mqtt\":{\"host\":\"new\",\"port\":1,\"ca\":\"CERT\"}}");
  fake_publish(&world, 0, "heliograph/certificate", "{\"certificate\":\"CERT dev\"}");
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  fake_publish(&world, 8, "heliograph/notification", "no");
  step(device, 5);
  heliograph_unregister(device, "t", on_answer, "unregister");
  heliograph_leave(device, CHANNEL, on_answer, "leave");
  step(device, 3);
  heliograph_close(device, NULL, NULL);
  for (int i = 0; i < 100 && heliograph_step(device, 100); i++) continue;
  finish(device);
}

static void survives_without_memory(void) {
  cJSON_Hooks hooks = {allocate, free};
  cJSON_InitHooks(&hooks);
  long used = 0;
  do {
    allocations_left = used++;
    live();
  } while (allocations_left < 0 && used < 5000);
  allocations_left = -1;
  CHECK(used > 200 && used < 5000);
  cJSON_InitHooks(NULL);
}

static void finishes_without_memory(void) {
  begin();
  heliograph_device *device = connected();
  outcome = HELIOGRAPH_LATER;
  fake_publish(&world, 7, "heliograph/notification", NOTE("a"));
  step(device, 3);
  allocations_left = 0;
  heliograph_finish(at_work, true);
  allocations_left = -1;
  step(device, 2);
  CHECK(fake_heard(&world, "\x40\x02\x00\x07", 4));
  finish(device);
}

static unsigned answers;

static void count_answer(void *context, const heliograph_error *error, const char *value) {
  CHECK(context == &answers && (error || value));
  answers++;
}

/* A call that waits is answered, whatever there is no memory for by then. */
static void answers_without_memory(void) {
  long used = 0;
  bool is_through = false;
  for (; !is_through && used < 100; used++) {
    begin();
    heliograph_device *device = connected();
    answers = 0;
    heliograph_register(device, "t", count_answer, &answers);
    step(device, 2);
    fake_publish(&world, 0, "heliograph/token", "{\"topic\":\"t\",\"token\":\"abc\"}");
    allocations_left = used;
    step(device, 2);
    is_through = allocations_left >= 0;
    allocations_left = -1;
    heliograph_close(device, NULL, NULL);
    heliograph_run(device);
    CHECK(answers == 1);
    finish(device);
  }
  CHECK(is_through && used > 4);
}

static void put_state(void) {
  static const char topics[] = "{\"version\":1,\"topics\":{\"t\":{\"state\":\"wanted\",\"token\":\"abc\"}}}";
  static const char joined[] = "{\"version\":1,\"channels\":[\"ABCDEFGHIJKLMNOPQRSTUVW0\"]}";
  fake_put(&world, "registrations.json", topics, sizeof topics - 1);
  fake_put(&world, "channels.json", joined, sizeof joined - 1);
}

/* The advice for a damaged file costs the identity: no failed allocation may give it. */
static void opens_or_says_what_is_missing(void) {
  cJSON_Hooks hooks = {allocate, free};
  cJSON_InitHooks(&hooks);
  heliograph_options options = {.directory = "d", .platform = &platform};
  heliograph_device *device = NULL;
  for (long used = 0; !device; used++) {
    CHECK(used < 1000);
    begin();
    put_state();
    heliograph_error error;
    allocations_left = used;
    device = heliograph_open(&options, &error);
    allocations_left = -1;
    CHECK(device || strcmp(error.reason, "StateDamaged") != 0);
    if (!device) fake_free(&world);
  }
  cJSON_InitHooks(NULL);
  finish(device);
}

int main(void) {
  opens_or_says_what_is_missing();
  finishes_without_memory();
  answers_without_memory();
  survives_without_memory();
  return 0;
}
