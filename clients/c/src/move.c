/*
 * The old place stays on disk until the new one has let the device in and answered for its tokens. While it does not, the
 * device goes back, rests there, and tries again.
 */
#include <string.h>

#include "backoff.h"
#include "device.h"

/* Attempts at the new place before one at the old. */
enum { TRIES = 3 };
/* How long the new place has to answer for every token, from its CONNACK on. */
enum { PROOF_MS = 60000 };
/* The first rest at the old place, and the longest. */
enum { FIRST_REST_MS = 60000, LAST_REST_MS = 3600000 };

static bool is_resting(const heliograph_device *device) { return device_now(device) < device->move.rest_until; }

static int64_t rest_time(const heliograph_device *device) {
  return doubled_delay(FIRST_REST_MS, LAST_REST_MS, device->move.rests, device_random(device));
}

const broker *move_broker(const heliograph_device *device) {
  const identity *identity = &device->identity;
  bool is_to_follow = identity->move.host && device->move.failures < TRIES && !is_resting(device);
  return is_to_follow ? &identity->move : &identity->mqtt;
}

static bool is_at_new(const heliograph_device *device) {
  return device->identity.move.host && broker_is_same(&device->connection.used_broker, &device->identity.move);
}

static void try_again(heliograph_device *device) {
  device->move.failures = 0;
  device->move.rest_until = 0;
}

static void go(void *context, timer *which) {
  (void)which;
  try_again(context);
  connection_redial(context);
}

/* The new place let the device in and does not serve it. */
static void give_up(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  device_log(device, "the new place does not answer: back to the old one");
  device->move.failures = TRIES;
  connection_redial(device);
}

/* At the old place; a connection that ends meanwhile makes the rest no longer. */
static void rest(heliograph_device *device) {
  move *move = &device->move;
  if (!is_resting(device)) {
    move->rest_until = device_now(device) + rest_time(device);
    move->rests++;
  }
  device_after(device, &move->next, move->rest_until - device_now(device), go, device);
}

void move_on_opened(heliograph_device *device) {
  move *move = &device->move;
  move->place = is_at_new(device) ? PLACE_NEW : PLACE_OLD;
  move->is_answered = false;
  if (move->place == PLACE_NEW) device_after(device, &move->next, PROOF_MS, give_up, device);
  else if (device->identity.move.host) rest(device);
}

void move_on_failed(heliograph_device *device) {
  /* nobody at the old place either: no reason to prefer it */
  if (is_at_new(device)) device->move.failures++;
  else try_again(device);
}

void move_on_disconnected(heliograph_device *device) {
  device_stop(device, &device->move.next);
  if (device->move.place == PLACE_NEW) device->move.failures++;
  device->move.place = PLACE_NONE;
}

/* A name or an address, and nothing that a log or a certificate's check could misread. */
static bool is_host(const char *host) {
  return host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")] == '\0';
}

/* Changes only where the service goes on; `to` NULL: nowhere. */
static bool keep_move(heliograph_device *device, const broker *to, heliograph_error *error) {
  identity edited;
  if (!identity_copy(&edited, &device->identity)) return error_no_memory(error), false;
  broker_free(&edited.move);
  if (to && !broker_copy(&edited.move, to)) {
    identity_free(&edited);
    return error_no_memory(error), false;
  }
  return identity_keep(device, &edited, error);
}

/* What the place that is being tried says of it changes nothing. */
static bool stay(heliograph_device *device, heliograph_error *error) {
  if (device->move.place == PLACE_NEW || !device->identity.move.host) return true;
  device_stop(device, &device->move.next);
  if (!keep_move(device, NULL, error)) return false;
  device_log(device, "the service stays where it is");
  return true;
}

static bool begin(heliograph_device *device, const broker *to, heliograph_error *error) {
  if (!keep_move(device, to, error)) return false;
  device_log(device, "the service goes to %s:%u: following", to->host, to->port);
  move *move = &device->move;
  move->failures = 0;
  move->rests = 0;
  /* whoever says this is not the place it names: that one is dialed and proves itself first */
  move->place = PLACE_OLD;
  move->is_answered = false;
  int64_t wait = move->rest_until - device_now(device);
  device_after(device, &move->next, wait > 0 ? wait : 0, go, device);
  return true;
}

static void refuse(heliograph_device *device, const char *reason, const char *message) {
  heliograph_error error;
  error_set(&error, reason, NULL, "%s", message);
  device_report(device, &error);
}

static bool follow(heliograph_device *device, const broker *to, heliograph_error *error) {
  const heliograph_options *options = &device->options;
  if (broker_is_same(to, &device->identity.move)) return true;
  if (broker_is_same(to, &device->identity.mqtt)) return stay(device, error);
  if (options->may_move_to && !options->may_move_to(options->context, to->host, to->port)) {
    refuse(device, "MoveRefused", "the service goes to a place where this program lets its device not go");
    return true;
  }
  return begin(device, to, error);
}

bool move_on_message(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  if (!cJSON_HasObjectItem(message, "mqtt")) return stay(device, error);
  broker to = {0};
  if (!broker_read(device, json_object_at(message, "mqtt"), &to) || !is_host(to.host)) {
    refuse(device, "BadMessage", "the service named a place to go to that cannot be one; the device stays");
    return true;
  }
  return follow(device, &to, error);
}

void move_on_account(heliograph_device *device) { device->move.is_answered = true; }

/* The new place becomes the only one. */
static bool arrive(heliograph_device *device, heliograph_error *error) {
  identity edited;
  if (!identity_copy(&edited, &device->identity)) return error_no_memory(error), false;
  broker_free(&edited.mqtt);
  edited.mqtt = edited.move;
  memset(&edited.move, 0, sizeof edited.move);
  return identity_keep(device, &edited, error);
}

bool move_settle(heliograph_device *device, heliograph_error *error) {
  move *move = &device->move;
  bool is_proved = move->place == PLACE_NEW && move->is_answered && registrar_has_every_token(device);
  if (!device->identity.move.host || !is_proved) return true;
  if (!arrive(device, error)) return false;
  device_stop(device, &move->next);
  move->place = PLACE_OLD;
  try_again(device);
  /* two services that send a device to each other do not make it hurry */
  move->rest_until = device_now(device) + rest_time(device);
  const broker *here = &device->identity.mqtt;
  device_log(device, "the device has moved to %s:%u", here->host, here->port);
  heliograph_event event = {.kind = HELIOGRAPH_MOVED, .host = here->host, .port = here->port};
  calls_event(device, &event);
  return true;
}
