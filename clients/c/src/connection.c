/*
 * Keeps one connection alive until it is stopped. Any end is allowed at any time (IoT Core closes for its own upgrades,
 * too); the wait before the next attempt grows until a connection has proved stable.
 *
 * A PUBACK leaves when the notification is taken over, and meanwhile the connection goes on. Acknowledgements therefore
 * leave in the order of the work, not of arrival as [MQTT-4.6.0-2] has it: a slow app must not make the service think that
 * the messages of another app were lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "device.h"

/* How long a clean end may take before the stream is cut. */
enum { END_LIMIT_MS = 2000 };
/* What waits to be written; a broker that does not read is left. */
enum { MOST_OUT = 512 * 1024 };
/* Requests without PUBACK. */
enum { MOST_SENT = 500 };
/* Reads in one turn, so that a flood does not hold up all else. */
enum { READS_A_TURN = 32 };
/* A firewall that lets only 443 through: IoT Core then takes MQTT by its name. */
enum { HTTPS_PORT = 443 };

static const char given_up[] = "the connection was given up";

static void dial(void *context, timer *which);

static void note_cause(connection *connection, const char *cause) {
  if (!connection->cause[0]) fit(connection->cause, sizeof connection->cause, cause);
}

static void forget_sent(connection *connection) {
  while (connection->sent) {
    sent *first = connection->sent;
    connection->sent = first->next;
    free(first);
  }
}

static void stop_timers(heliograph_device *device) {
  connection *connection = &device->connection;
  timer *all[] = {&connection->retry, &connection->stable, &connection->limit, &connection->ping};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) device_stop(device, all[i]);
}

static void clear(heliograph_device *device) {
  connection *connection = &device->connection;
  stop_timers(device);
  if (connection->stream) device->platform.tls.close(connection->stream);
  connection->stream = NULL;
  connection->state = LINK_NONE;
  text_free(&connection->out);
  text_free(&connection->in);
  forget_sent(connection);
}

static int64_t next_wait(heliograph_device *device) {
  connection *connection = &device->connection;
  bool is_at_once = connection->redials;
  connection->redials = false;
  return is_at_once ? 0 : retry_delay(connection->failures++, device_random(device));
}

/* The connection, or the attempt, has ended. */
static void ended(heliograph_device *device, const char *cause) {
  connection *connection = &device->connection;
  bool was_open = connection->state == LINK_OPEN || connection->state == LINK_ENDING;
  note_cause(connection, cause && cause[0] ? cause : "the connection was closed");
  clear(device);
  if (!was_open) device_on_failed(device);
  if (connection->is_stopped) {
    device_on_closed(device, -1);
    device_on_stopped(device);
    return;
  }
  int64_t wait = next_wait(device);
  device_after(device, &connection->retry, wait, dial, device);
  device_on_closed(device, wait);
}

static void on_connect_limit(void *context, timer *which) {
  (void)which;
  ended(context, "no CONNACK in time");
}

static void on_end_limit(void *context, timer *which) {
  (void)which;
  ended(context, NULL);
}

/* For those who must not see the connection end under them. */
static void end_soon(heliograph_device *device, const char *cause) {
  note_cause(&device->connection, cause);
  device_after(device, &device->connection.limit, 0, on_end_limit, device);
}

static void dial(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  connection *connection = &device->connection;
  char why[HELIOGRAPH_WHY] = "";
  const char *certificate, *private_key;
  const broker *to = move_broker(device);
  renewal_credentials(device, &certificate, &private_key);
  connection->number++;
  connection->cause[0] = '\0';
  connection->awaits_pong = false;
  text_init(&connection->out, MOST_OUT);
  text_init(&connection->in, MQTT_MOST_PACKET + 4096);
  broker_free(&connection->used_broker);
  free(connection->used_certificate);
  connection->used_certificate = copy_of(certificate);
  connection->state = LINK_DIALING;
  heliograph_endpoint endpoint = {to->host, to->port, to->ca, certificate, private_key,
                                  to->port == HTTPS_PORT ? "x-amzn-mqtt-ca" : NULL};
  bool is_known = broker_copy(&connection->used_broker, to) && connection->used_certificate;
  if (is_known) connection->stream = device->platform.tls.dial(device->platform.context, &endpoint, why);
  if (connection->stream)
    device_after(device, &connection->limit, device->options.connect_timeout_ms, on_connect_limit, device);
  else
    ended(device, why);
}

void connection_start(heliograph_device *device) {
  if (device->connection.is_started) return;
  device->connection.is_started = true;
  dial(device, NULL);
}

/* ── what is sent ── */

static void check_out(heliograph_device *device) {
  if (device->connection.out.failed) end_soon(device, "the broker does not read, or there is no memory");
}

/* Says goodbye; what is still to be written goes out first. */
static void begin_end(heliograph_device *device) {
  connection *connection = &device->connection;
  if (connection->state == LINK_OPEN) {
    mqtt_write_disconnect(&connection->out);
    connection->state = LINK_ENDING;
    device_stop(device, &connection->ping);
    device_after(device, &connection->limit, END_LIMIT_MS, on_end_limit, device);
  } else if (connection->state != LINK_ENDING) {
    end_soon(device, given_up);
  }
}

void connection_redial(heliograph_device *device) {
  connection *connection = &device->connection;
  if (connection->state == LINK_NONE) {
    if (connection->retry.runs) device_after(device, &connection->retry, 0, dial, device);
    return;
  }
  connection->redials = true;
  begin_end(device);
}

void connection_stop(heliograph_device *device) {
  connection *connection = &device->connection;
  connection->is_stopped = true;
  device_stop(device, &connection->retry);
  if (connection->state == LINK_NONE) device_on_stopped(device);
  else begin_end(device);
}

void connection_free(heliograph_device *device) {
  clear(device);
  broker_free(&device->connection.used_broker);
  free(device->connection.used_certificate);
  device->connection.used_certificate = NULL;
}

static bool is_used(const connection *connection, uint16_t id) {
  const sent *each = connection->sent;
  while (each && each->id != id) each = each->next;
  return id == 0 || each != NULL;
}

/* A new entry for what is about to be sent, or NULL. */
static sent *expect(heliograph_device *device, sent_kind kind) {
  connection *connection = &device->connection;
  size_t count = 0;
  for (const sent *each = connection->sent; each; each = each->next) count++;
  sent *made = connection->state == LINK_OPEN && count < MOST_SENT ? calloc(1, sizeof *made) : NULL;
  if (!made) return NULL;
  do connection->last_id++;
  while (is_used(connection, connection->last_id));
  made->id = connection->last_id;
  made->kind = kind;
  made->next = connection->sent;
  connection->sent = made;
  return made;
}

bool connection_send(heliograph_device *device, request request, const char *topic, uint32_t wish, const char *body) {
  const char *to = device->identity.publish[request];
  sent *made = to ? expect(device, SENT_REQUEST) : NULL;
  if (!made) return false;
  made->request = request;
  made->wish = wish;
  fit(made->topic, sizeof made->topic, topic);
  mqtt_write_publish(&device->connection.out, made->id, to, body, strlen(body));
  check_out(device);
  return true;
}

typedef char filter[sizeof CHANNEL_PREFIX + HELIOGRAPH_CHANNEL_ID];

bool connection_subscribe(heliograph_device *device, const char *const *channels, size_t count) {
  filter filters[MQTT_MOST_FILTERS];
  const char *all[MQTT_MOST_FILTERS];
  sent *made = count <= MQTT_MOST_FILTERS ? expect(device, SENT_SUBSCRIBE) : NULL;
  if (!made) return false;
  made->channel_count = count;
  for (size_t i = 0; i < count; i++) {
    fit(made->channels[i], sizeof made->channels[i], channels[i]);
    snprintf(filters[i], sizeof filters[i], CHANNEL_PREFIX "%s", made->channels[i]);
    all[i] = filters[i];
  }
  mqtt_write_subscribe(&device->connection.out, made->id, all, count);
  check_out(device);
  return true;
}

bool connection_unsubscribe(heliograph_device *device, const char *channel) {
  filter name;
  const char *all = name;
  sent *made = expect(device, SENT_UNSUBSCRIBE);
  if (!made) return false;
  snprintf(name, sizeof name, CHANNEL_PREFIX "%s", channel);
  mqtt_write_unsubscribe(&device->connection.out, made->id, &all, 1);
  check_out(device);
  return true;
}

/* A message id means nothing once its connection has ended. */
void connection_acknowledge(heliograph_device *device, uint32_t number, uint16_t id) {
  connection *connection = &device->connection;
  if (id == 0 || number != connection->number || connection->state != LINK_OPEN) return;
  mqtt_write_puback(&connection->out, id);
  check_out(device);
}

static void ping(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  connection *connection = &device->connection;
  if (connection->awaits_pong) {
    ended(device, "the broker does not answer");
    return;
  }
  connection->awaits_pong = true;
  mqtt_write_pingreq(&connection->out);
  device_after(device, &connection->ping, (int64_t)device->options.keepalive_s * 1000, ping, device);
  check_out(device);
}

/* ── what is received; each returns what is wrong with it, or NULL ── */

static const char malformed[] = "the broker sent something that is no MQTT";

static void has_proved_stable(void *context, timer *which) {
  (void)which;
  ((heliograph_device *)context)->connection.failures = 0;
}

static const char *on_connack(heliograph_device *device, const mqtt_packet *packet) {
  connection *connection = &device->connection;
  uint8_t code;
  if (connection->state != LINK_GREETING || !mqtt_read_connack(packet, &code)) return malformed;
  if (code != 0) return "the broker refused the connection";
  /* given up meanwhile, and about to be cut: opened, it would lose the timer that ends it */
  if (connection->is_stopped || connection->redials) return given_up;
  connection->state = LINK_OPEN;
  device_stop(device, &connection->limit);
  device_after(device, &connection->stable, STABLE_AFTER_MS, has_proved_stable, device);
  device_after(device, &connection->ping, (int64_t)device->options.keepalive_s * 1000, ping, device);
  device_on_opened(device);
  return NULL;
}

static sent *take_sent(connection *connection, uint16_t id, bool is_request) {
  sent **link = &connection->sent;
  while (*link && (*link)->id != id) link = &(*link)->next;
  sent *found = *link;
  if (!found || (found->kind == SENT_REQUEST) != is_request) return NULL;
  *link = found->next;
  return found;
}

/* What was never asked for is of no use, and no harm. */
static const char *on_id(heliograph_device *device, const mqtt_packet *packet) {
  uint16_t id;
  if (!mqtt_read_id(packet, &id)) return malformed;
  sent *found = take_sent(&device->connection, id, packet->type == MQTT_PUBACK);
  if (found && found->kind == SENT_REQUEST) registrar_on_sent(device, found);
  free(found);
  return NULL;
}

static const char *on_suback(heliograph_device *device, const mqtt_packet *packet) {
  uint16_t id;
  const uint8_t *codes;
  size_t count;
  if (!mqtt_read_suback(packet, &id, &codes, &count)) return malformed;
  sent *found = take_sent(&device->connection, id, false);
  if (found && found->kind == SENT_SUBSCRIBE) channels_on_subscribed(device, found, codes, count);
  free(found);
  return NULL;
}

static const char *on_publish(heliograph_device *device, const mqtt_packet *packet) {
  mqtt_message message;
  if (!mqtt_read_publish(packet, &message)) return malformed;
  device_receive(device, &message);
  return NULL;
}

static const char *on_packet(heliograph_device *device, const mqtt_packet *packet) {
  connection *connection = &device->connection;
  if (packet->type == MQTT_CONNACK) return on_connack(device, packet);
  if (connection->state == LINK_GREETING) return malformed;
  switch (packet->type) {
    case MQTT_PUBLISH: return on_publish(device, packet);
    case MQTT_PUBACK:
    case MQTT_UNSUBACK: return on_id(device, packet);
    case MQTT_SUBACK: return on_suback(device, packet);
    case MQTT_PINGRESP: connection->awaits_pong = false; return NULL;
    default: return malformed;
  }
}

static bool takes_packets(const heliograph_device *device) {
  link_state state = device->connection.state;
  return (state == LINK_GREETING || state == LINK_OPEN) && !calls_are_many(device);
}

/* All packets that are there, or as many as the program can be told of. After a goodbye none counts any more. */
static const char *read_packets(heliograph_device *device) {
  connection *connection = &device->connection;
  const char *wrong = NULL;
  size_t done = 0;
  mqtt_packet packet;
  while (!wrong && connection->in.size > done && takes_packets(device)) {
    long size = mqtt_next(connection->in.bytes + done, connection->in.size - done, MQTT_MOST_PACKET, &packet);
    if (size < 0) wrong = "the broker sent something that is no MQTT, or too much";
    if (size <= 0) break;
    wrong = on_packet(device, &packet);
    done += (size_t)size;
  }
  text_drop(&connection->in, connection->state == LINK_ENDING ? connection->in.size : done);
  return wrong;
}

/* ── the stream ── */

static bool write_out(heliograph_device *device) {
  connection *connection = &device->connection;
  char why[HELIOGRAPH_WHY] = "";
  while (connection->out.size > 0) {
    long sent = device->platform.tls.write(connection->stream, connection->out.bytes, connection->out.size, why);
    if (sent < 0) note_cause(connection, why);
    if (sent <= 0) return sent == 0;
    text_drop(&connection->out, (size_t)sent);
  }
  return true;
}

/* 1: read something, 0: nothing there, -1: the connection has to end. */
static int read_in(heliograph_device *device) {
  connection *connection = &device->connection;
  char bytes[4096], why[HELIOGRAPH_WHY] = "";
  long got = device->platform.tls.read(connection->stream, bytes, sizeof bytes, why);
  if (got < 0) note_cause(connection, why);
  if (got <= 0) return (int)got;
  text_add(&connection->in, bytes, (size_t)got);
  return 1;
}

/* Reads while there is something; returns as `read_in`, 1 where there may be more. */
static int read_some(heliograph_device *device) {
  connection *connection = &device->connection;
  const char *wrong = read_packets(device); /* that the last turn left */
  int got = 1;
  for (int reads = 0; !wrong && got > 0 && reads < READS_A_TURN && !calls_are_many(device); reads++) {
    got = read_in(device);
    if (got > 0) wrong = connection->in.failed ? "there is no memory" : read_packets(device);
  }
  if (wrong) note_cause(connection, wrong);
  return wrong ? -1 : got;
}

static bool greet(heliograph_device *device) {
  connection *connection = &device->connection;
  char why[HELIOGRAPH_WHY] = "";
  heliograph_stream_state state = device->platform.tls.advance(connection->stream, why);
  if (state == HELIOGRAPH_BROKEN) ended(device, why);
  if (state != HELIOGRAPH_READY) return false;
  mqtt_write_connect(&connection->out, device->identity.device_id, device->options.keepalive_s);
  connection->state = LINK_GREETING;
  return true;
}

bool connection_turn(heliograph_device *device) {
  connection *connection = &device->connection;
  if (!connection->stream || (connection->state == LINK_DIALING && !greet(device))) return false;
  int got = read_some(device);
  bool is_alive = got >= 0 && write_out(device);
  bool has_said_goodbye = connection->state == LINK_ENDING && connection->out.size == 0;
  if (!is_alive || has_said_goodbye) ended(device, NULL);
  return is_alive && got > 0;
}
