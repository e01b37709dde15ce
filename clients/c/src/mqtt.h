/* Packets of MQTT 3.1.1, as far as a device needs them. Nothing here allocates but the text that is written to. */
#ifndef MQTT_H
#define MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "text.h"

enum {
  MQTT_CONNECT = 1,
  MQTT_CONNACK = 2,
  MQTT_PUBLISH = 3,
  MQTT_PUBACK = 4,
  MQTT_SUBSCRIBE = 8,
  MQTT_SUBACK = 9,
  MQTT_UNSUBSCRIBE = 10,
  MQTT_UNSUBACK = 11,
  MQTT_PINGREQ = 12,
  MQTT_PINGRESP = 13,
  MQTT_DISCONNECT = 14
};

/* The largest packet that a device takes: the largest message of AWS IoT Core (128 KiB), its topic and its header. */
#define MQTT_MOST_PACKET (131072 + 1024)

/* Filters in one SUBSCRIBE of AWS IoT Core. */
#define MQTT_MOST_FILTERS 8

typedef struct {
  uint8_t type;
  uint8_t flags;
  const uint8_t *body;
  size_t size; /* of the body */
} mqtt_packet;

/* The packet at the front: its size with its header, 0 if it is not all there yet, -1 if it can be none or is too large. */
long mqtt_next(const void *bytes, size_t size, size_t most, mqtt_packet *packet);

/* A message. `topic` is UTF-8 without NUL and wildcards, and no NUL follows it. */
typedef struct {
  const char *topic;
  size_t topic_size;
  uint16_t id; /* 0 with QoS 0 */
  uint8_t qos; /* 0 or 1: QoS 2 is no message for a device */
  bool is_retained;
  const char *payload;
  size_t payload_size;
} mqtt_message;

/* All of these return false where the packet is malformed. */
bool mqtt_read_connack(const mqtt_packet *packet, uint8_t *code);
bool mqtt_read_publish(const mqtt_packet *packet, mqtt_message *message);
/* PUBACK and UNSUBACK. */
bool mqtt_read_id(const mqtt_packet *packet, uint16_t *id);
/* `codes` points into the packet; there is at least one. */
bool mqtt_read_suback(const mqtt_packet *packet, uint16_t *id, const uint8_t **codes, size_t *count);

/* Clean session, no will, no user name, no password. */
void mqtt_write_connect(text *out, const char *client_id, uint16_t keepalive_s);
/* QoS 1, not retained. */
void mqtt_write_publish(text *out, uint16_t id, const char *topic, const char *payload, size_t size);
void mqtt_write_puback(text *out, uint16_t id);
/* QoS 1. */
void mqtt_write_subscribe(text *out, uint16_t id, const char *const *filters, size_t count);
void mqtt_write_unsubscribe(text *out, uint16_t id, const char *const *filters, size_t count);
void mqtt_write_pingreq(text *out);
void mqtt_write_disconnect(text *out);

#endif
