/* The driver of this SDK for the device conformance suite (docs/device-conformance.md). */
#include <cjson/cJSON.h>
#include <heliograph/device.h>
#include <heliograph/platform.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { TAKE, FAIL, HOLD } handler_mode;

/* A notification in the handler's hands. */
typedef struct held {
  struct held *next;
  heliograph_handling *handling;
  char *id;
  char *topic;
  handler_mode mode;
  int64_t due_ms; /* -1: until it is released */
} held;

static heliograph_device *device;
static heliograph_platform platform;
static int64_t clock_offset_ms;
static bool may_move = true;
static handler_mode mode = TAKE;
static int delay_ms;
static held *all_held;

static void write_line(cJSON *line) {
  char *text = cJSON_PrintUnformatted(line);
  printf("%s\n", text);
  fflush(stdout);
  free(text);
  cJSON_Delete(line);
}

static cJSON *event(const char *name) {
  cJSON *line = cJSON_CreateObject();
  cJSON_AddStringToObject(line, "event", name);
  return line;
}

static void add(cJSON *line, const char *name, const char *value) {
  if (value && value[0]) cJSON_AddStringToObject(line, name, value);
}

/* ── events ── */

static void on_log(void *context, const char *text) {
  (void)context;
  cJSON *line = event("log");
  cJSON_AddStringToObject(line, "line", text);
  write_line(line);
}

static void on_error(const heliograph_error *error) {
  cJSON *line = event("error");
  add(line, "reason", error->reason);
  add(line, "message", error->message);
  add(line, "topic", error->topic);
  add(line, "channel", error->channel);
  write_line(line);
}

static const char *const names[] = {"connected", "disconnected", "token", "accepted", "rejected", "dropped", "moved"};

static void on_event(void *context, const heliograph_event *told) {
  (void)context;
  if (told->kind == HELIOGRAPH_ERROR) {
    on_error(told->error);
    return;
  }
  cJSON *line = event(names[told->kind]);
  add(line, "deviceId", told->device_id);
  add(line, "cause", told->cause);
  add(line, "id", told->id);
  add(line, "topic", told->topic);
  add(line, "channel", told->channel);
  add(line, "token", told->token);
  add(line, told->kind == HELIOGRAPH_DROPPED ? "why" : "reason", told->reason);
  add(line, "host", told->host);
  if (told->kind == HELIOGRAPH_MOVED) cJSON_AddNumberToObject(line, "port", told->port);
  if (told->kind == HELIOGRAPH_DISCONNECTED && told->retry_in_ms >= 0)
    cJSON_AddNumberToObject(line, "retryInMs", (double)told->retry_in_ms);
  if (told->kind == HELIOGRAPH_ACCEPTED)
    cJSON_AddItemToObject(line, "topics", cJSON_CreateStringArray(told->topics, (int)told->topic_count));
  write_line(line);
}

/* ── notifications ── */

static void hand_over(const heliograph_notification *n) {
  cJSON *line = event("notification"), *shown = cJSON_AddObjectToObject(line, "notification");
  add(shown, "id", n->id);
  add(shown, "topic", n->topic);
  add(shown, "channel", n->channel);
  cJSON_AddStringToObject(shown, "payloadText", n->payload);
  cJSON_AddNumberToObject(shown, "acceptedAt", (double)n->accepted_at);
  cJSON_AddBoolToObject(shown, "stored", n->stored);
  cJSON_AddNumberToObject(shown, "expiration", (double)n->expiration);
  cJSON_AddNumberToObject(shown, "priority", n->priority);
  add(shown, "pushType", n->push_type);
  add(shown, "collapseId", n->collapse_id);
  add(shown, "pending", n->pending);
  add(shown, "uniqueId", n->unique_id);
  add(shown, "seq", n->seq);
  write_line(line);
}

static void tell_handled(const char *id, const char *topic) {
  cJSON *line = event("handled");
  add(line, "id", id);
  add(line, "topic", topic);
  write_line(line);
}

static heliograph_outcome handle(void *context, const heliograph_notification *n, heliograph_handling *handling) {
  (void)context;
  hand_over(n);
  if (mode != HOLD && delay_ms == 0) {
    if (mode == FAIL) return HELIOGRAPH_FAILED;
    tell_handled(n->id, n->topic);
    return HELIOGRAPH_TAKEN;
  }
  held *kept = calloc(1, sizeof *kept);
  kept->handling = handling;
  kept->id = strdup(n->id);
  kept->topic = strdup(n->topic);
  kept->mode = mode == FAIL ? FAIL : TAKE;
  kept->due_ms = mode == HOLD ? -1 : platform.monotonic_ms(NULL) + delay_ms;
  held **link = &all_held;
  while (*link) link = &(*link)->next;
  *link = kept;
  return HELIOGRAPH_LATER;
}

static void finish(held *kept) {
  if (kept->mode == TAKE) tell_handled(kept->id, kept->topic);
  heliograph_finish(kept->handling, kept->mode == TAKE);
  free(kept->id);
  free(kept->topic);
  free(kept);
}

/* Finishes those that are due, or all that are held. Returns how long the next one has, or -1. */
static int64_t finish_due(bool releases) {
  int64_t next = -1, now = platform.monotonic_ms(NULL);
  for (held **link = &all_held; *link;) {
    held *kept = *link;
    if (kept->due_ms < 0 ? releases : kept->due_ms <= now) {
      *link = kept->next;
      finish(kept);
      continue;
    }
    if (kept->due_ms >= 0 && (next < 0 || kept->due_ms - now < next)) next = kept->due_ms - now;
    link = &kept->next;
  }
  return next;
}

/* ── commands ── */

static void answer_ok(int id, cJSON *ok) {
  cJSON *line = cJSON_CreateObject();
  cJSON_AddNumberToObject(line, "id", id);
  cJSON_AddItemToObject(line, "ok", ok ? ok : cJSON_CreateObject());
  write_line(line);
}

static void answer_error(int id, const heliograph_error *error) {
  cJSON *line = cJSON_CreateObject(), *shown = cJSON_CreateObject();
  cJSON_AddNumberToObject(line, "id", id);
  add(shown, "reason", error->reason);
  add(shown, "message", error->message);
  cJSON_AddItemToObject(line, "error", shown);
  write_line(line);
}

typedef struct {
  int id;
  const char *value_name; /* what the value of the answer is called, or NULL */
} asked;

static void on_answer(void *context, const heliograph_error *error, const char *value) {
  asked *command = context;
  cJSON *ok = cJSON_CreateObject();
  if (command->value_name) add(ok, command->value_name, value);
  if (error) {
    answer_error(command->id, error);
    cJSON_Delete(ok);
  } else {
    answer_ok(command->id, ok);
  }
  free(command);
}

static asked *ask(int id, const char *value_name) {
  asked *command = malloc(sizeof *command);
  *command = (asked){id, value_name};
  return command;
}

static const char *text_of(const cJSON *command, const char *name) {
  return cJSON_GetStringValue(cJSON_GetObjectItem(command, name));
}

static double number_of(const cJSON *command, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(command, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static int64_t moved_clock(void *context) {
  heliograph_platform system;
  heliograph_default_platform(&system);
  return system.now_ms(context) + clock_offset_ms;
}

static bool on_move(void *context, const char *host, uint16_t port) {
  (void)context;
  (void)host;
  (void)port;
  return may_move;
}

static void open_device(int id, const cJSON *command) {
  const cJSON *activation = cJSON_GetObjectItem(command, "activation");
  clock_offset_ms = (int64_t)number_of(command, "clockOffsetMs");
  may_move = !cJSON_IsFalse(cJSON_GetObjectItem(command, "mayMove"));
  platform.now_ms = moved_clock;
  heliograph_options options = {.directory = text_of(command, "directory"),
                                .activation_url = text_of(activation, "url"),
                                .activation_code = text_of(activation, "code"),
                                .activation_ca = text_of(activation, "ca"),
                                .time_limit_ms = (uint32_t)number_of(command, "timeLimitMs"),
                                .close_limit_ms = (uint32_t)number_of(command, "closeLimitMs"),
                                .connect_timeout_ms = (uint32_t)number_of(command, "connectTimeoutMs"),
                                .keepalive_s = (uint16_t)number_of(command, "keepaliveSeconds"),
                                .on_event = on_event,
                                .log = on_log,
                                .may_move_to = on_move,
                                .platform = &platform};
  heliograph_error error;
  device = heliograph_open(&options, &error);
  if (!device) {
    answer_error(id, &error);
    return;
  }
  cJSON *ok = cJSON_CreateObject();
  if (heliograph_device_id(device)) add(ok, "deviceId", heliograph_device_id(device));
  else cJSON_AddNullToObject(ok, "deviceId");
  answer_ok(id, ok);
}

static void set_handler(int id, const cJSON *command) {
  const char *name = text_of(command, "mode");
  mode = strcmp(name, "hold") == 0 ? HOLD : strcmp(name, "fail") == 0 ? FAIL : TAKE;
  delay_ms = (int)number_of(command, "delayMs");
  heliograph_on_notification(device, handle, NULL);
  answer_ok(id, NULL);
}

static void add_token(void *context, const char *topic, const char *token) { add(context, topic, token); }

static void add_channel(void *context, const char *channel) {
  cJSON_AddItemToArray(context, cJSON_CreateString(channel));
}

static void list(int id, bool are_channels) {
  cJSON *ok = cJSON_CreateObject();
  if (are_channels) heliograph_channels(device, add_channel, cJSON_AddArrayToObject(ok, "channels"));
  else heliograph_tokens(device, add_token, cJSON_AddObjectToObject(ok, "tokens"));
  answer_ok(id, ok);
}

static void run(const cJSON *command) {
  int id = (int)number_of(command, "id");
  const char *what = text_of(command, "do"), *topic = text_of(command, "topic");
  const char *channel = text_of(command, "channel");
  if (strcmp(what, "open") == 0) open_device(id, command);
  else if (strcmp(what, "activate") == 0) heliograph_activate(device, on_answer, ask(id, "deviceId"));
  else if (strcmp(what, "connect") == 0) heliograph_connect(device, on_answer, ask(id, NULL));
  else if (strcmp(what, "register") == 0) heliograph_register(device, topic, on_answer, ask(id, "token"));
  else if (strcmp(what, "unregister") == 0) heliograph_unregister(device, topic, on_answer, ask(id, NULL));
  else if (strcmp(what, "join") == 0) heliograph_join(device, channel, on_answer, ask(id, NULL));
  else if (strcmp(what, "leave") == 0) heliograph_leave(device, channel, on_answer, ask(id, NULL));
  else if (strcmp(what, "channels") == 0) list(id, true);
  else if (strcmp(what, "tokens") == 0) list(id, false);
  else if (strcmp(what, "handler") == 0) set_handler(id, command);
  else if (strcmp(what, "close") == 0) heliograph_close(device, on_answer, ask(id, NULL));
  else if (strcmp(what, "release") == 0) {
    finish_due(true);
    answer_ok(id, NULL);
  } else {
    fprintf(stderr, "no such command: %s\n", what);
    _exit(2);
  }
}

/* ── standard input, in a thread of its own ── */

typedef struct line {
  struct line *next;
  char *text;
} line;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static line *first_line, **last_line = &first_line;
static bool has_ended;

static void nothing(void *context) { (void)context; }

/* The device may be opened meanwhile, and does not go away. */
static void wake(void) {
  pthread_cond_signal(&arrived);
  if (device) heliograph_post(device, nothing, NULL);
}

static void *read_lines(void *context) {
  (void)context;
  char *text = NULL;
  size_t room = 0;
  while (getline(&text, &room, stdin) > 0) {
    line *made = calloc(1, sizeof *made);
    made->text = strdup(text);
    pthread_mutex_lock(&mutex);
    *last_line = made;
    last_line = &made->next;
    wake();
    pthread_mutex_unlock(&mutex);
  }
  free(text);
  pthread_mutex_lock(&mutex);
  has_ended = true;
  wake();
  pthread_mutex_unlock(&mutex);
  return NULL;
}

/* The next command, or NULL. Ends the process where there are no more to come. */
static char *next_line(bool waits) {
  pthread_mutex_lock(&mutex);
  while (waits && !first_line && !has_ended) pthread_cond_wait(&arrived, &mutex);
  line *first = first_line;
  if (first) {
    first_line = first->next;
    if (!first_line) last_line = &first_line;
  }
  bool is_over = !first && has_ended;
  pthread_mutex_unlock(&mutex);
  if (is_over && getenv("HELIOGRAPH_DRIVER_CLEANS_UP")) return NULL;
  if (is_over) _exit(0);
  char *text = first ? first->text : NULL;
  free(first);
  return text;
}

/*
 * The suite ends a driver with SIGKILL, so a build with sanitizers looks for leaks as it goes: before a command, as the suite
 * waits for its answer then.
 */
#if defined(__SANITIZE_ADDRESS__)
int __lsan_do_recoverable_leak_check(void);
static void check_leaks(void) {
  if (__lsan_do_recoverable_leak_check() != 0) abort();
}
#else
static void check_leaks(void) {}
#endif

static bool run_commands(bool waits) {
  bool were_any = false;
  char *text;
  while ((text = next_line(waits && !were_any)) != NULL) {
    cJSON *command = cJSON_Parse(text);
    free(text);
    check_leaks();
    run(command);
    cJSON_Delete(command);
    were_any = true;
  }
  return were_any;
}

int main(void) {
  /* a full disk, as the suite plays it, is told by an error */
  signal(SIGXFSZ, SIG_IGN);
  heliograph_default_platform(&platform);
  cJSON *ready = event("ready");
  add(ready, "name", "heliograph-device");
  add(ready, "version", HELIOGRAPH_VERSION);
  add(ready, "language", "C99");
  write_line(ready);
  pthread_t reader;
  pthread_create(&reader, NULL, read_lines, NULL);
  bool is_closed = false;
  for (;;) {
    run_commands(!device || is_closed);
    if (!device) continue;
    int64_t next = finish_due(false);
    is_closed = !heliograph_step(device, is_closed ? 0 : next);
  }
}
