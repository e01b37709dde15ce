/* The JSON files of the state directory. */
#include <stdlib.h>

#include "device.h"

enum { MOST_STATE = 4 * 1024 * 1024 };

void state_damaged(heliograph_device *device, const char *file, const char *remedy, heliograph_error *error) {
  char buffer[1024];
  const char *path = device->platform.storage.path(device->storage, file, buffer, sizeof buffer);
  error_set(error, "StateDamaged", NULL, "%s is damaged: %s", path, remedy);
}

int state_read(heliograph_device *device, const char *file, const char *remedy, cJSON **data, heliograph_error *error) {
  char why[HELIOGRAPH_WHY] = "";
  char *bytes = NULL;
  size_t size = 0;
  int found = device->platform.storage.read(device->storage, file, MOST_STATE, &bytes, &size, why);
  if (found < 0) error_unusable(device, error, file, "read", why);
  if (found <= 0) return found;
  json_result result = json_read(bytes, size, NULL, NULL, data);
  forget_bytes(bytes, size);
  if (json_whole(*data, "version", 0) == 1) return 1;
  cJSON_Delete(*data);
  *data = NULL;
  /* the remedy loses what is in the file: it is not for a file that is whole */
  if (result == JSON_NO_MEMORY) error_no_memory(error);
  else state_damaged(device, file, remedy, error);
  return -1;
}

bool state_write(heliograph_device *device, const char *file, text *content, heliograph_error *error) {
  char why[HELIOGRAPH_WHY] = "";
  bool is_whole = !content->failed;
  bool is_written =
      is_whole && device->platform.storage.replace(device->storage, file, content->bytes, content->size, why);
  text_free(content);
  if (!is_whole) error_no_memory(error);
  else if (!is_written) error_unusable(device, error, file, "written", why);
  return is_written;
}
