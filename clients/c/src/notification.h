/* A notification as it comes. */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "heliograph/device.h"

#include "names.h"

/* Longest texts that a device remembers of a notification, in bytes. */
enum { MOST_ID = 128, MOST_TOPIC = 255, MOST_SEQ = 64, MOST_COLLAPSE_ID = 256 };

#define CHANNEL_PREFIX "heliograph/channel/"

/* A message that has been read, in one piece of memory with all its texts. */
typedef struct {
  heliograph_notification shown;
} notification;

/*
 * The notification in a message, from malloc, or NULL. `channel`: the channel in the MQTT topic that it came on, NULL for
 * heliograph/notification; the message must name the same. `is_retained` counts for channels alone.
 */
notification *notification_read(const char *message, size_t size, const char *channel, bool is_retained);

/* 24 characters of [A-Za-z0-9]. */
bool is_channel_id(const char *id);

#endif
