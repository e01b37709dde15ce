#include "notification.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

bool is_channel_id(const char *id) {
  size_t size = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
  return size == HELIOGRAPH_CHANNEL_ID && id[size] == '\0';
}

/* A text that may be missing; one that is too long to be one makes the message unreadable. */
static const char *optional(const cJSON *head, const char *name, size_t most, bool *is_readable) {
  const char *string = json_text(head, name);
  if (string && strlen(string) > most) *is_readable = false;
  return string;
}

/* Where the texts of a notification go, one after the other. */
static const char *placed(char **at, const char *string, size_t size) {
  char *start = *at;
  memcpy(start, string, size);
  start[size] = '\0';
  *at += size + 1;
  return start;
}

static const char *placed_text(char **at, const char *string) {
  return string ? placed(at, string, strlen(string)) : NULL;
}

static size_t room_of(const heliograph_notification *n) {
  const char *all[] = {n->id, n->topic, n->channel, n->push_type, n->collapse_id, n->unique_id, n->seq};
  size_t room = n->payload_size + 1;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) room += all[i] ? strlen(all[i]) + 1 : 0;
  return room;
}

static notification *kept(const heliograph_notification *n) {
  notification *copy = malloc(sizeof *copy + room_of(n));
  if (!copy) return NULL;
  char *at = (char *)(copy + 1);
  copy->shown = *n;
  copy->shown.payload = placed(&at, n->payload, n->payload_size);
  copy->shown.id = placed_text(&at, n->id);
  copy->shown.topic = placed_text(&at, n->topic);
  copy->shown.channel = placed_text(&at, n->channel);
  copy->shown.push_type = placed_text(&at, n->push_type);
  copy->shown.collapse_id = placed_text(&at, n->collapse_id);
  copy->shown.unique_id = placed_text(&at, n->unique_id);
  copy->shown.seq = placed_text(&at, n->seq);
  return copy;
}

static notification *read_head(const cJSON *head, span payload, const char *channel, bool is_retained) {
  bool is_readable = true;
  heliograph_notification n = {
      .id = json_name(head, "id", MOST_ID),
      .topic = json_name(head, "topic", MOST_TOPIC),
      .channel = channel,
      .payload = payload.start,
      .payload_size = payload.size,
      .accepted_at = json_whole(head, "acceptedAt", 0),
      .stored = channel ? is_retained : json_is_true(head, "stored"),
      .expiration = json_whole(head, "expiration", 0),
      .priority = (int)json_whole(head, "priority", 10),
      .push_type = optional(head, "pushType", MOST_ID, &is_readable),
      .collapse_id = optional(head, "collapseId", MOST_COLLAPSE_ID, &is_readable),
      .unique_id = optional(head, "uniqueId", MOST_ID, &is_readable),
      .seq = optional(head, "seq", MOST_SEQ, &is_readable),
  };
  is_readable = is_readable && n.id && n.topic && json_is_number(head, "acceptedAt") &&
                (!channel || is_same(json_text(head, "channel"), channel));
  if (!is_readable) return NULL;
  if (!n.push_type) n.push_type = "alert";
  if (is_same(json_text(head, "pending"), "perCollapseId") && !channel) n.pending = "perCollapseId";
  return kept(&n);
}

notification *notification_read(const char *message, size_t size, const char *channel, bool is_retained) {
  span payload = {NULL, 0};
  cJSON *head = json_object(message, size, "payload", &payload);
  notification *read = head && payload.size > 0 ? read_head(head, payload, channel, is_retained) : NULL;
  cJSON_Delete(head);
  return read;
}
