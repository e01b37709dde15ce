/* Messages of the service: JSON, and what is made of it. The first byte says where it came. */
#include <stdlib.h>

#include "json.h"
#include "notification.h"
#include "taken.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void take(notification *n) {
  taken_index memory;
  text journal;
  taken_init(&memory);
  text_init(&journal, 1024 * 1024);
  taken_verdict(&memory, n);
  taken_add(&memory, n);
  taken_write(&journal, &memory);
  if (journal.size > 0) taken_add_line(&memory, journal.bytes, journal.size - 1);
  /* what was written is read as the same one */
  if (memory.id_count != 1 || taken_verdict(&memory, n) != VERDICT_REPEAT) abort();
  text_free(&journal);
  taken_free(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  if (size == 0) return 0;
  const char *channel = bytes[0] & 1 ? "ABCDEFGHIJKLMNOPQRSTUVW0" : NULL;
  notification *n = notification_read((const char *)bytes + 1, size - 1, channel, bytes[0] & 2);
  if (n) take(n);
  free(n);
  cJSON_Delete(json_object((const char *)bytes + 1, size - 1, NULL, NULL));
  return 0;
}
