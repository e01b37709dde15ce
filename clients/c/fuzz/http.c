/* The answer of an activation endpoint. */
#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_reply(const char *bytes, size_t size, bool has_ended) {
  http_reply reply;
  if (http_read(bytes, size, has_ended, &reply) == HTTP_WHOLE) text_free(&reply.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  read_reply((const char *)bytes, size / 2, false);
  read_reply((const char *)bytes, size, false);
  read_reply((const char *)bytes, size, true);
  char *url = copy_of_bytes(bytes, size);
  http_url read;
  http_read_url(url, &read);
  forget(url);
  return 0;
}
