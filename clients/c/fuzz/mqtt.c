/* Packets from a broker. */
#include "mqtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  mqtt_packet packet;
  long whole;
  while ((whole = mqtt_next(bytes, size, MQTT_MOST_PACKET, &packet)) > 0) {
    mqtt_message message;
    uint16_t id;
    uint8_t code;
    const uint8_t *codes;
    size_t count;
    volatile uint8_t last = 0;
    if (mqtt_read_publish(&packet, &message) && message.payload_size > 0)
      last = (uint8_t)(message.payload[message.payload_size - 1] + message.topic[message.topic_size - 1]);
    if (mqtt_read_suback(&packet, &id, &codes, &count)) last = codes[count - 1];
    mqtt_read_connack(&packet, &code);
    mqtt_read_id(&packet, &id);
    (void)last;
    bytes += whole;
    size -= (size_t)whole;
  }
  return 0;
}
