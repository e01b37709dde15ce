#include "device.h"

#include <stdlib.h>
#include <string.h>

/* Work from other threads. */
struct posted {
  posted *next;
  void (*work)(void *context);
  void *context;
};

int64_t device_now(const heliograph_device *device) { return device->platform.monotonic_ms(device->platform.context); }

uint32_t device_random(const heliograph_device *device) { return device->platform.random(device->platform.context); }

void device_after(heliograph_device *device, timer *timer, int64_t delay_ms, void (*fire)(void *, struct timer *),
                  void *context) {
  timer_start(&device->timers, timer, device_now(device) + delay_ms, fire, context);
}

void device_stop(heliograph_device *device, timer *timer) { timer_stop(&device->timers, timer); }

/* ── open and free ── */

static bool copy_options(heliograph_device *device, const heliograph_options *given) {
  heliograph_options *options = &device->options;
  *options = *given;
  const char *texts[] = {given->directory, given->activation_url, given->activation_code, given->activation_ca};
  const char **copies[] = {&options->directory, &options->activation_url, &options->activation_code,
                           &options->activation_ca};
  bool is_whole = true;
  for (size_t i = 0; i < 4; i++) {
    *copies[i] = copy_of(texts[i]);
    is_whole = is_whole && (!texts[i] || *copies[i]);
  }
  if (!options->time_limit_ms) options->time_limit_ms = 30000;
  if (!options->close_limit_ms) options->close_limit_ms = 5000;
  if (!options->connect_timeout_ms) options->connect_timeout_ms = 20000;
  if (!options->keepalive_s) options->keepalive_s = 60;
  return is_whole;
}

static bool open_platform(heliograph_device *device, heliograph_error *error) {
  char why[HELIOGRAPH_WHY] = "";
  const heliograph_platform *platform = &device->platform;
  device->loop = platform->loop.open(platform->context, why);
  if (device->loop) device->storage = platform->storage.open(platform->context, device->options.directory, why);
  if (!device->storage)
    error_set(error, "StateUnusable", NULL, "%s cannot be opened (%s): give the device a directory that it may write to",
              device->options.directory, why);
  return device->storage != NULL;
}

heliograph_device *heliograph_open(const heliograph_options *options, heliograph_error *error) {
  heliograph_error unwanted;
  if (!error) error = &unwanted;
  heliograph_device *device = calloc(1, sizeof *device);
  error_no_memory(error);
  if (!device) return NULL;
  if (!options->directory) error_set(error, "StateUnusable", NULL, "a device needs a directory for its state");
  device->calls_end = &device->calls;
  device->posted_end = &device->posted;
  redrain_open(device);
  taken_init(&device->inbox.taken);
  if (options->platform) device->platform = *options->platform;
  else heliograph_default_platform(&device->platform);
  bool is_open = options->directory && copy_options(device, options) && open_platform(device, error) &&
                 identity_open(device, error) && registrar_open(device, error) && channels_open(device, error) &&
                 inbox_open(device, error);
  if (is_open) return device;
  heliograph_free(device);
  return NULL;
}

static void free_posted(heliograph_device *device) {
  while (device->posted) {
    posted *first = device->posted;
    device->posted = first->next;
    free(first);
  }
  device->posted_end = &device->posted;
}

static void free_options(heliograph_options *options) {
  forget((char *)options->directory);
  forget((char *)options->activation_url);
  forget((char *)options->activation_code);
  forget((char *)options->activation_ca);
}

void heliograph_free(heliograph_device *device) {
  if (!device) return;
  /* nobody is to hear of a device that is half gone */
  device->options.on_event = NULL;
  device->options.log = NULL;
  activation_stop(device);
  connection_free(device);
  while (device->waits) {
    wait_entry *first = device->waits;
    device->waits = first->next;
    device_stop(device, &first->limit);
    calls_forget(first->expected);
    free(first);
  }
  registrar_free(device);
  channels_free(device);
  inbox_free(device);
  identity_free(&device->identity);
  calls_free(device);
  free_posted(device);
  if (device->storage) device->platform.storage.close(device->storage);
  if (device->loop) device->platform.loop.close(device->loop);
  free_options(&device->options);
  free(device);
}

/* ── what the program asks for ── */

static void closed_error(heliograph_error *error) {
  error_set(error, "Closed", NULL, "this device was closed: open it again");
}

/* Whether it is still open; otherwise the call is answered. */
static bool is_open(heliograph_device *device, heliograph_answer *answer, void *context) {
  heliograph_error error;
  if (device->state == DEVICE_OPEN) return true;
  closed_error(&error);
  calls_answer(device, answer, context, &error, NULL);
  return false;
}

static bool has_valid_certificate(const heliograph_device *device) {
  return device->identity.device_id && !certificate_has_expired(device, device->identity.certificate);
}

static void begin_activation(heliograph_device *device) {
  if (device->options.activation_url && device->options.activation_code) {
    activation_start(device);
    return;
  }
  heliograph_error error;
  error_set(&error, "NotActivated", NULL,
            "the device in %s has no valid certificate: open it with an activation url and code",
            device->options.directory);
  device_on_activated(device, &error);
}

void heliograph_activate(heliograph_device *device, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context)) return;
  if (has_valid_certificate(device)) calls_answer(device, answer, context, NULL, device->identity.device_id);
  else if (wait_add(device, WAIT_ACTIVATE, "", answer, context, 0)) begin_activation(device);
}

/* Only a warning: the device's clock may be the one that is wrong. */
static void warn_of_expiry(heliograph_device *device) {
  if (device->identity.next_certificate || has_valid_certificate(device)) return;
  heliograph_error error;
  error_set(&error, "CertificateExpired", NULL,
            "the certificate of this device has expired by its clock: set the clock, or activate it again with a new code");
  device_report(device, &error);
}

static void begin_connection(heliograph_device *device) {
  device->wants_connection = false;
  if (device->connection.is_started) return;
  warn_of_expiry(device);
  connection_start(device);
}

void heliograph_connect(heliograph_device *device, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context)) return;
  if (device->connection.state == LINK_OPEN) {
    calls_answer(device, answer, context, NULL, NULL);
    return;
  }
  if (!wait_add(device, WAIT_CONNECT, "", answer, context, 0)) return;
  device->wants_connection = true;
  if (device->identity.device_id) begin_connection(device);
  else begin_activation(device);
}

void device_on_activated(heliograph_device *device, const heliograph_error *error) {
  if (!error) device_log(device, "activated as %s", device->identity.device_id);
  wait_end(device, WAIT_ACTIVATE, "", error, device->identity.device_id);
  if (!device->wants_connection) return;
  device->wants_connection = false;
  if (error) wait_end(device, WAIT_CONNECT, "", error, NULL);
  else begin_connection(device);
}

/* Whether a topic can be one; what the service thinks of it, the service says. */
static bool is_topic(heliograph_device *device, const char *topic, heliograph_answer *answer, void *context) {
  heliograph_error error;
  size_t size = strlen(topic);
  if (size > 0 && size <= MOST_TOPIC && is_utf8(topic, size)) return true;
  error_set(&error, "BadTopic", NULL, "a topic is the app's bundle id, for example com.example.app");
  calls_answer(device, answer, context, &error, NULL);
  return false;
}

void heliograph_register(heliograph_device *device, const char *topic, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context) || !is_topic(device, topic, answer, context)) return;
  bool is_asked = wait_is_open(device, WAIT_REGISTER, topic);
  bool is_waiting = wait_add(device, WAIT_REGISTER, topic, answer, context, device->options.time_limit_ms);
  if (is_waiting && !is_asked) registrar_register(device, topic);
}

void heliograph_unregister(heliograph_device *device, const char *topic, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context) || !is_topic(device, topic, answer, context)) return;
  bool is_asked = wait_is_open(device, WAIT_UNREGISTER, topic);
  bool is_waiting = wait_add(device, WAIT_UNREGISTER, topic, answer, context, device->options.time_limit_ms);
  if (is_waiting && !is_asked) registrar_unregister(device, topic);
}

static bool is_channel(heliograph_device *device, const char *channel, heliograph_answer *answer, void *context) {
  heliograph_error error;
  if (is_channel_id(channel)) return true;
  error_set(&error, "BadChannelId", NULL, "this cannot be the id of a channel: 24 letters and digits");
  calls_answer(device, answer, context, &error, NULL);
  return false;
}

void heliograph_join(heliograph_device *device, const char *channel, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context) || !is_channel(device, channel, answer, context)) return;
  bool is_asked = wait_is_open(device, WAIT_JOIN, channel);
  if (channels_is_granted(device, channel)) calls_answer(device, answer, context, NULL, NULL);
  else if (wait_add(device, WAIT_JOIN, channel, answer, context, device->options.time_limit_ms) && !is_asked)
    channels_join(device, channel);
}

void heliograph_leave(heliograph_device *device, const char *channel, heliograph_answer *answer, void *context) {
  if (!is_open(device, answer, context) || !is_channel(device, channel, answer, context)) return;
  heliograph_error error, closed;
  char id[HELIOGRAPH_CHANNEL_ID + 1];
  fit(id, sizeof id, channel); /* `channel` may belong to what is freed now */
  bool is_left = channels_leave(device, id, &error);
  error_channel(&closed, "Closed", id, "the channel was left");
  if (is_left) wait_end(device, WAIT_JOIN, id, &closed, NULL);
  calls_answer(device, answer, context, is_left ? NULL : &error, NULL);
}

const char *heliograph_device_id(const heliograph_device *device) { return device->identity.device_id; }

bool heliograph_is_connected(const heliograph_device *device) { return device->connection.state == LINK_OPEN; }

/* ── what the connection tells ── */

void device_on_opened(heliograph_device *device) {
  device_log(device, "connected as %s", device->identity.device_id);
  move_on_opened(device);
  registrar_on_connected(device);
  channels_on_connected(device);
  renewal_on_connected(device);
  heliograph_event event = {.kind = HELIOGRAPH_CONNECTED, .device_id = device->identity.device_id};
  calls_event(device, &event);
  wait_end(device, WAIT_CONNECT, "", NULL, NULL);
}

void device_on_failed(heliograph_device *device) {
  renewal_on_failed(device);
  move_on_failed(device);
}

void device_on_closed(heliograph_device *device, int64_t retry_in_ms) {
  const char *cause = device->connection.cause;
  registrar_on_disconnected(device);
  channels_on_disconnected(device);
  renewal_on_disconnected(device);
  move_on_disconnected(device);
  device_log(device, "not connected: %s", cause);
  heliograph_event event = {.kind = HELIOGRAPH_DISCONNECTED, .cause = cause, .retry_in_ms = retry_in_ms};
  calls_event(device, &event);
}

/* An answer of the service; false: not taken over, and `error` says why. */
typedef bool on_answer(heliograph_device *device, const cJSON *message, heliograph_error *error);

static bool on_account(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  if (!registrar_on_account(device, message, error)) return false;
  move_on_account(device);
  return true;
}

static const struct {
  const char *topic;
  on_answer *take;
} answers[] = {{"heliograph/token", registrar_on_token},
               {"heliograph/connected", on_account},
               {"heliograph/move", move_on_message},
               {"heliograph/error", registrar_on_error},
               {"heliograph/certificate", renewal_on_certificate}};

static on_answer *answer_for(const char *topic) {
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    if (strcmp(answers[i].topic, topic) == 0) return answers[i].take;
  return NULL;
}

static bool receive_answer(heliograph_device *device, on_answer *take, const char *topic, const mqtt_message *message,
                           heliograph_error *error) {
  cJSON *data;
  json_result result = json_read(message->payload, message->payload_size, NULL, NULL, &data);
  if (result == JSON_NO_MEMORY) return error_no_memory(error), false;
  if (result == JSON_BAD) {
    error_set(error, "BadMessage", NULL, "a message on %s is not a JSON object", topic);
    device_report(device, error);
    return true;
  }
  bool is_taken = take(device, data, error) && move_settle(device, error);
  cJSON_Delete(data);
  return is_taken;
}

static const char *channel_in(const char *topic) {
  size_t prefix = strlen(CHANNEL_PREFIX);
  return strncmp(topic, CHANNEL_PREFIX, prefix) == 0 && is_channel_id(topic + prefix) ? topic + prefix : NULL;
}

void device_receive(heliograph_device *device, const mqtt_message *message) {
  char topic[MOST_TOPIC + 1] = "";
  if (message->topic_size <= MOST_TOPIC) memcpy(topic, message->topic, message->topic_size);
  topic[message->topic_size <= MOST_TOPIC ? message->topic_size : 0] = '\0';
  const char *channel = channel_in(topic);
  if (channel || strcmp(topic, "heliograph/notification") == 0) {
    inbox_receive(device, message, channel);
    return;
  }
  heliograph_error error;
  on_answer *take = answer_for(topic);
  if (!take) device_log(device, "a message came that is of no use to this version");
  else if (!receive_answer(device, take, topic, message, &error)) {
    device_report(device, &error);
    return; /* not acknowledged */
  }
  connection_acknowledge(device, device->connection.number, message->id);
}

/* ── the loop ── */

bool heliograph_post(heliograph_device *device, void (*work)(void *context), void *context) {
  posted *made = malloc(sizeof *made);
  if (!made) return false;
  *made = (posted){NULL, work, context};
  device->platform.loop.lock(device->loop);
  bool is_taken = !device->refuses_posts;
  if (is_taken) {
    *device->posted_end = made;
    device->posted_end = &made->next;
    /* still locked: once it is not, the work may run, close the device, and have it freed */
    device->platform.loop.wake(device->loop);
  }
  device->platform.loop.unlock(device->loop);
  if (!is_taken) free(made);
  return is_taken;
}

static void run_posted(heliograph_device *device) {
  device->platform.loop.lock(device->loop);
  posted *first = device->posted;
  device->posted = NULL;
  device->posted_end = &device->posted;
  device->platform.loop.unlock(device->loop);
  while (first) {
    posted *next = first->next;
    first->work(first->context);
    free(first);
    first = next;
  }
}

static void end(heliograph_device *device);

/* Returns whether there is more to do at once. */
static bool work(heliograph_device *device) {
  run_posted(device);
  timers_run(&device->timers, device_now(device));
  bool is_more = activation_turn(device);
  is_more = connection_turn(device) || is_more;
  is_more = inbox_turn(device) || is_more;
  if (device->state == DEVICE_FINISHING && !inbox_is_at_work(device)) end(device);
  /* what a handler or a listener has asked for goes out at once */
  return calls_make(device) || is_more;
}

/* What callbacks have asked for goes out before the wait; returns whether there is more to do at once. */
static bool flush(heliograph_device *device) {
  if (device->connection.out.size == 0 || !device->connection.stream) return false;
  bool is_more = connection_turn(device);
  return is_more || device->connection.out.size == 0;
}

static void wait(heliograph_device *device, int64_t most_ms) {
  heliograph_watch watches[2];
  size_t count = 0;
  const heliograph_platform *platform = &device->platform;
  int64_t next = timers_next(&device->timers);
  if (next >= 0) {
    int64_t left = next - device_now(device);
    if (left < 0) left = 0;
    if (most_ms < 0 || left < most_ms) most_ms = left;
  }
  if (device->connection.stream) watches[count++] = platform->tls.watch(device->connection.stream);
  if (device->activation.stream) watches[count++] = platform->tls.watch(device->activation.stream);
  for (size_t i = 0; i < count; i++)
    if (watches[i].most_ms >= 0 && (most_ms < 0 || watches[i].most_ms < most_ms)) most_ms = watches[i].most_ms;
  platform->loop.wait(device->loop, watches, count, most_ms);
}

bool heliograph_step(heliograph_device *device, int64_t most_ms) {
  bool is_more = work(device);
  if (device->state != DEVICE_CLOSED) {
    is_more = flush(device) || is_more;
    wait(device, is_more || device->calls ? 0 : most_ms);
    work(device);
  }
  if (device->state != DEVICE_CLOSED) return true;
  /* what was accepted just before posts were refused */
  run_posted(device);
  while (calls_make(device)) continue;
  return false;
}

void heliograph_run(heliograph_device *device) {
  while (heliograph_step(device, -1)) continue;
}

/* ── the end ── */

static void end(heliograph_device *device) {
  heliograph_error error;
  if (device->state != DEVICE_FINISHING) return;
  device->state = DEVICE_ENDING;
  device_stop(device, &device->close_limit);
  inbox_abandon(device);
  error_set(&error, "Closed", NULL, "the device was closed before the service answered");
  wait_end_all(device, &error);
  registrar_on_disconnected(device);
  channels_on_disconnected(device);
  renewal_on_disconnected(device);
  redrain_stop(&device->redrain);
  redrain_stop(&device->rejoin);
  device_stop(device, &device->move.next);
  activation_stop(device);
  connection_stop(device);
}

static void on_close_limit(void *context, timer *which) {
  (void)which;
  end(context);
}

void heliograph_close(heliograph_device *device, heliograph_answer *answer, void *context) {
  if (device->state == DEVICE_CLOSED) {
    calls_answer(device, answer, context, NULL, NULL);
    return;
  }
  wait_add(device, WAIT_CLOSE, "", answer, context, 0);
  if (device->state != DEVICE_OPEN) return;
  device->state = DEVICE_FINISHING;
  inbox_stop(device);
  device_after(device, &device->close_limit, device->options.close_limit_ms, on_close_limit, device);
}

void device_on_stopped(heliograph_device *device) {
  device->platform.loop.lock(device->loop);
  device->refuses_posts = true;
  device->platform.loop.unlock(device->loop);
  device->state = DEVICE_CLOSED;
  wait_end(device, WAIT_CLOSE, "", NULL, NULL);
}
