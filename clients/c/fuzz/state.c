/* State files as a broken disk, or another program, may leave them. The first byte says which. */
#include "../test/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const names[] = {"identity.json", "registrations.json", "channels.json", "taken.jsonl"};
  if (size == 0) return 0;
  fake world;
  heliograph_platform platform;
  fake_init(&world, &platform);
  fake_put(&world, names[bytes[0] % 4], bytes + 1, size - 1);
  heliograph_options options = {.directory = "d", .platform = &platform};
  heliograph_error error;
  heliograph_free(heliograph_open(&options, &error));
  fake_free(&world);
  return 0;
}
