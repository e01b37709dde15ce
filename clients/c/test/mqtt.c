/* The bytes are those of OASIS, "MQTT Version 3.1.1", sections 2 and 3. */
#include "mqtt.h"

#include "test.h"

#define BYTES(literal) literal, sizeof literal - 1

static void check_bytes(text *written, const void *expected, size_t size) {
  CHECK(!written->failed && written->size == size && memcmp(written->bytes, expected, size) == 0);
  text_free(written);
}

static void writes_packets(void) {
  text out;
  const char *filters[] = {"a/b", "c"};
  text_init(&out, 100000);
  mqtt_write_connect(&out, "dev", 60);
  check_bytes(&out, BYTES("\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03" "dev"));
  mqtt_write_publish(&out, 0x1234, "t", "{}", 2);
  check_bytes(&out, BYTES("\x32\x07\x00\x01t\x12\x34{}"));
  mqtt_write_puback(&out, 258);
  check_bytes(&out, BYTES("\x40\x02\x01\x02"));
  mqtt_write_subscribe(&out, 1, filters, 2);
  check_bytes(&out, BYTES("\x82\x0c\x00\x01\x00\x03" "a/b\x01\x00\x01" "c\x01"));
  mqtt_write_unsubscribe(&out, 1, filters, 2);
  check_bytes(&out, BYTES("\xa2\x0a\x00\x01\x00\x03" "a/b\x00\x01" "c"));
  mqtt_write_pingreq(&out);
  mqtt_write_disconnect(&out);
  check_bytes(&out, BYTES("\xc0\x00\xe0\x00"));
}

static void writes_long_lengths(void) {
  text out;
  mqtt_packet packet;
  char *payload = calloc(1, 70000);
  const size_t sizes[] = {0, 122, 123, 16378, 16379, 70000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    text_init(&out, 100000);
    mqtt_write_publish(&out, 1, "t", payload, sizes[i]);
    CHECK(mqtt_next(out.bytes, out.size, MQTT_MOST_PACKET, &packet) == (long)out.size);
    CHECK(packet.type == MQTT_PUBLISH && packet.size == sizes[i] + 5);
    for (size_t part = 0; part < out.size && part < 9; part++)
      CHECK(mqtt_next(out.bytes, part, MQTT_MOST_PACKET, &packet) == 0);
    text_free(&out);
  }
  free(payload);
}

static void limits_packets(void) {
  mqtt_packet packet;
  CHECK(mqtt_next(BYTES("\x30\xff\xff\xff\x7f"), MQTT_MOST_PACKET, &packet) == -1);
  CHECK(mqtt_next(BYTES("\x30\x80\x80\x80\x80\x01"), MQTT_MOST_PACKET, &packet) == -1);
  CHECK(mqtt_next(BYTES("\x30\x80\x88\x08"), MQTT_MOST_PACKET, &packet) == -1);
  CHECK(mqtt_next(BYTES("\x30\x80\x80\x08"), MQTT_MOST_PACKET, &packet) == 0);
}

static mqtt_packet packet_in(const void *bytes, size_t size) {
  mqtt_packet packet;
  CHECK(mqtt_next(bytes, size, MQTT_MOST_PACKET, &packet) == (long)size);
  return packet;
}

static void reads_publish(void) {
  mqtt_message message;
  mqtt_packet packet = packet_in(BYTES("\x3b\x07\x00\x01t\x00\x07{}"));
  CHECK(mqtt_read_publish(&packet, &message));
  CHECK(message.qos == 1 && message.is_retained && message.id == 7 && message.payload_size == 2);
  CHECK(message.topic_size == 1 && message.topic[0] == 't' && message.payload[0] == '{');
  packet = packet_in(BYTES("\x30\x03\x00\x01t"));
  CHECK(mqtt_read_publish(&packet, &message) && message.qos == 0 && message.id == 0 && message.payload_size == 0);
}

static void refuses_malformed(void) {
  mqtt_message message;
  uint16_t id;
  uint8_t code;
  const uint8_t *codes;
  size_t count;
  const struct {
    const char *bytes;
    size_t size;
  } bad[] = {
      {BYTES("\x34\x05\x00\x01t\x00\x01")},     /* QoS 2 */
      {BYTES("\x36\x05\x00\x01t\x00\x01")},     /* QoS 3 */
      {BYTES("\x32\x05\x00\x01t\x00\x00")},     /* message id 0 */
      {BYTES("\x32\x04\x00\x01t\x00")},         /* half a message id */
      {BYTES("\x30\x02\x00\x05")},              /* a topic that is not there */
      {BYTES("\x30\x01\x00")},                  /* half a length */
      {BYTES("\x30\x02\x00\x00")},              /* no topic */
      {BYTES("\x30\x03\x00\x01+")},             /* a wildcard */
      {BYTES("\x30\x04\x00\x02t\x00")},         /* NUL */
      {BYTES("\x30\x03\x00\x01\xff")},          /* no UTF-8 */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mqtt_packet packet = packet_in(bad[i].bytes, bad[i].size);
    CHECK(!mqtt_read_publish(&packet, &message));
  }
  mqtt_packet packet = packet_in(BYTES("\x20\x03\x00\x00\x00"));
  CHECK(!mqtt_read_connack(&packet, &code));
  packet = packet_in(BYTES("\x20\x02\x00\x05"));
  CHECK(mqtt_read_connack(&packet, &code) && code == 5);
  packet = packet_in(BYTES("\x40\x03\x00\x01\x00"));
  CHECK(!mqtt_read_id(&packet, &id));
  packet = packet_in(BYTES("\x90\x02\x00\x01"));
  CHECK(!mqtt_read_suback(&packet, &id, &codes, &count));
  packet = packet_in(BYTES("\x90\x04\x00\x09\x01\x80"));
  CHECK(mqtt_read_suback(&packet, &id, &codes, &count) && id == 9 && count == 2 && codes[1] == 0x80);
}

int main(void) {
  writes_packets();
  writes_long_lengths();
  limits_packets();
  reads_publish();
  refuses_malformed();
  return 0;
}
