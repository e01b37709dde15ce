#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device.h"

void error_set(heliograph_error *error, const char *reason, const char *topic, const char *format, ...) {
  if (!error) return;
  error->channel[0] = '\0';
  error->status = 0;
  char message[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  /* what another said may be among it */
  make_printable(message);
  fit(error->message, sizeof error->message, message);
  fit(error->reason, sizeof error->reason, reason);
  make_printable(error->reason);
  fit(error->topic, sizeof error->topic, topic ? topic : "");
}

void error_channel(heliograph_error *error, const char *reason, const char *channel, const char *message) {
  error_set(error, reason, NULL, "%s", message);
  fit(error->channel, sizeof error->channel, channel);
}

void error_unusable(heliograph_device *device, heliograph_error *error, const char *file, const char *what,
                    const char *why) {
  char buffer[1024];
  const char *path = device->platform.storage.path(device->storage, file, buffer, sizeof buffer);
  error_set(error, "StateUnusable", NULL,
            "%s cannot be %s (%s): give the device a directory that this user may write to", path, what, why);
}

void error_no_memory(heliograph_error *error) {
  error_set(error, "OutOfMemory", NULL, "there is no memory left for this");
}

void device_log(heliograph_device *device, const char *format, ...) {
  if (!device->options.log) return;
  char line[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(line, sizeof line, format, values);
  va_end(values);
  make_printable(line);
  device->options.log(device->options.context, line);
}

void device_report(heliograph_device *device, const heliograph_error *error) {
  device_log(device, "%s: %s", error->reason, error->message);
  heliograph_event event = {.kind = HELIOGRAPH_ERROR, .error = error};
  calls_event(device, &event);
}
