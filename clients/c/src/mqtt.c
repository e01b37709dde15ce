/* OASIS, "MQTT Version 3.1.1"; clauses in brackets are of that document. */
#include "mqtt.h"

#include <string.h>

long mqtt_next(const void *bytes, size_t size, size_t most, mqtt_packet *packet) {
  const uint8_t *at = bytes;
  size_t length = 0;
  for (size_t i = 1; i <= 4; i++) {
    if (size <= i) return 0;
    length |= (size_t)(at[i] & 0x7f) << (7 * (i - 1));
    if (at[i] & 0x80) continue;
    size_t whole = 1 + i + length;
    if (whole > most) return -1;
    if (size < whole) return 0;
    *packet = (mqtt_packet){at[0] >> 4, at[0] & 0x0f, at + 1 + i, length};
    return (long)whole;
  }
  return -1; /* a fifth byte of length [2.2.3] */
}

static uint16_t number_at(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

bool mqtt_read_connack(const mqtt_packet *packet, uint8_t *code) {
  if (packet->flags != 0 || packet->size != 2) return false;
  *code = packet->body[1];
  return true;
}

static bool is_topic(const char *topic, size_t size) {
  if (size == 0 || !is_utf8(topic, size)) return false;
  for (size_t i = 0; i < size; i++)
    if (topic[i] == '\0' || topic[i] == '+' || topic[i] == '#') return false;
  return true;
}

bool mqtt_read_publish(const mqtt_packet *packet, mqtt_message *message) {
  const uint8_t *body = packet->body;
  uint8_t qos = (packet->flags >> 1) & 3;
  if (qos > 1 || packet->size < 2) return false;
  size_t topic_size = number_at(body);
  size_t head = 2 + topic_size + (qos ? 2 : 0);
  if (packet->size < head || !is_topic((const char *)body + 2, topic_size)) return false;
  uint16_t id = qos ? number_at(body + 2 + topic_size) : 0;
  if (qos && id == 0) return false; /* [MQTT-2.3.1-1] */
  *message = (mqtt_message){(const char *)body + 2, topic_size,          id, qos, packet->flags & 1,
                            (const char *)body + head, packet->size - head};
  return true;
}

bool mqtt_read_id(const mqtt_packet *packet, uint16_t *id) {
  if (packet->flags != 0 || packet->size != 2) return false;
  *id = number_at(packet->body);
  return true;
}

bool mqtt_read_suback(const mqtt_packet *packet, uint16_t *id, const uint8_t **codes, size_t *count) {
  if (packet->flags != 0 || packet->size < 3) return false;
  *id = number_at(packet->body);
  *codes = packet->body + 2;
  *count = packet->size - 2;
  return true;
}

static void write_header(text *out, uint8_t first, size_t length) {
  text_byte(out, first);
  do {
    uint8_t digit = length & 0x7f;
    length >>= 7;
    text_byte(out, length ? digit | 0x80 : digit);
  } while (length);
}

static void write_number(text *out, uint16_t number) {
  text_byte(out, (uint8_t)(number >> 8));
  text_byte(out, (uint8_t)number);
}

static void write_string(text *out, const char *string) {
  size_t size = strlen(string);
  if (size > UINT16_MAX) out->failed = true;
  write_number(out, (uint16_t)size);
  text_add(out, string, size);
}

void mqtt_write_connect(text *out, const char *client_id, uint16_t keepalive_s) {
  write_header(out, MQTT_CONNECT << 4, 10 + 2 + strlen(client_id));
  write_string(out, "MQTT");
  text_byte(out, 4);
  text_byte(out, 2); /* clean session, nothing else */
  write_number(out, keepalive_s);
  write_string(out, client_id);
}

void mqtt_write_publish(text *out, uint16_t id, const char *topic, const char *payload, size_t size) {
  write_header(out, MQTT_PUBLISH << 4 | 1 << 1, 2 + strlen(topic) + 2 + size);
  write_string(out, topic);
  write_number(out, id);
  text_add(out, payload, size);
}

void mqtt_write_puback(text *out, uint16_t id) {
  write_header(out, MQTT_PUBACK << 4, 2);
  write_number(out, id);
}

static size_t size_of_filters(const char *const *filters, size_t count, size_t each) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) size += each + strlen(filters[i]);
  return size;
}

void mqtt_write_subscribe(text *out, uint16_t id, const char *const *filters, size_t count) {
  write_header(out, MQTT_SUBSCRIBE << 4 | 2, 2 + size_of_filters(filters, count, 3));
  write_number(out, id);
  for (size_t i = 0; i < count; i++) {
    write_string(out, filters[i]);
    text_byte(out, 1);
  }
}

void mqtt_write_unsubscribe(text *out, uint16_t id, const char *const *filters, size_t count) {
  write_header(out, MQTT_UNSUBSCRIBE << 4 | 2, 2 + size_of_filters(filters, count, 2));
  write_number(out, id);
  for (size_t i = 0; i < count; i++) write_string(out, filters[i]);
}

void mqtt_write_pingreq(text *out) { write_header(out, MQTT_PINGREQ << 4, 0); }

void mqtt_write_disconnect(text *out) { write_header(out, MQTT_DISCONNECT << 4, 0); }
