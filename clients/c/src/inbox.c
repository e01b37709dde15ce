#include "device.h"

#include <stdlib.h>
#include <string.h>

static const char file[] = "taken.jsonl";

/* Of the journal, in bytes: four times what this SDK can have written, for what another one has. */
#define MOST_JOURNAL (4 * (size_t)(TAKEN_MOST_LINES + HELIOGRAPH_REMEMBERED_IDS) * TAKEN_MOST_LINE)

typedef enum { HANDLING_WAITS, HANDLING_AT_WORK, HANDLING_TAKEN, HANDLING_FAILED } handling_state;

struct heliograph_handling {
  heliograph_handling *next;
  heliograph_device *device;
  notification *notification;
  handling_state state;
  handling_state said; /* by the program, from any thread: guarded by the loop's lock */
  uint32_t connection;
  uint16_t message_id; /* 0: nothing to acknowledge */
};

/* Those of one topic, or of one channel, in the order in which they came. */
struct lane {
  lane *next;
  char origin[MOST_TOPIC + 1];
  bool is_channel;
  heliograph_handling *first, **end;
  size_t count;
};

/* ── the journal: a line per notification, written before the acknowledgement ── */

/*
 * A killed process repeats nothing. A line is not forced to the disk, so after a power cut the last few may come again;
 * that costs a repeat, where forcing would cost a write cycle of flash each.
 */
static bool rewrite(heliograph_device *device, heliograph_error *error) {
  text content;
  device->inbox.appended = 0; /* where it fails, too: a full disk is not tried again at once */
  text_init(&content, (size_t)TAKEN_MOST_LINES * TAKEN_MOST_LINE);
  if (taken_write(&content, &device->inbox.taken) == 0) text_add(&content, "", 0);
  return state_write(device, file, &content, error);
}

static void read_lines(taken_index *taken, const char *bytes, size_t size) {
  for (const char *at = bytes, *end = bytes + size; at < end;) {
    const char *eol = memchr(at, '\n', (size_t)(end - at));
    if (!eol) eol = end;
    taken_add_line(taken, at, (size_t)(eol - at));
    at = eol + 1;
  }
}

/*
 * Lines that a power cut left damaged are skipped, and of too many the oldest are forgotten. A file that cannot be read at all,
 * or is larger than any that an SDK writes, is begun anew: all that it can cost is a repeat, and no device.
 */
bool inbox_open(heliograph_device *device, heliograph_error *error) {
  char why[HELIOGRAPH_WHY] = "";
  char *bytes = NULL;
  size_t size = 0;
  taken_init(&device->inbox.taken);
  int found = device->platform.storage.read(device->storage, file, MOST_JOURNAL, &bytes, &size, why);
  if (found == 0) return true;
  if (found < 0) device_log(device, "%s cannot be read (%s): the last notifications may come again", file, why);
  if (found > 0) read_lines(&device->inbox.taken, bytes, size);
  if (found > 0) free(bytes);
  /* always: a last line without its end would swallow the next one that is appended */
  return rewrite(device, error);
}

static bool append(heliograph_device *device, const text *line, heliograph_error *error) {
  char why[HELIOGRAPH_WHY] = "";
  if (line->failed) return error_no_memory(error), false;
  if (!device->platform.storage.append(device->storage, file, line->bytes, line->size, why)) {
    error_unusable(device, error, file, "written", why);
    return false;
  }
  device->inbox.appended++;
  return true;
}

/* Returns when it is remembered; after that it may be acknowledged. */
static bool remember(heliograph_device *device, const notification *notification, heliograph_error *error) {
  text line;
  text_init(&line, 16 * 1024);
  bool is_kept = !taken_write_line(&line, notification) || append(device, &line, error);
  text_free(&line);
  if (!is_kept) return false;
  if (!taken_add(&device->inbox.taken, notification)) device_log(device, "a notification is remembered on disk alone");
  /* after so many, however many lines a rewrite has to leave */
  if (device->inbox.appended < HELIOGRAPH_REMEMBERED_IDS) return true;
  heliograph_error later;
  if (!rewrite(device, &later)) device_log(device, "%s", later.message);
  return true;
}

/* ── lanes ── */

static lane *find_lane(heliograph_device *device, const char *origin, bool is_channel) {
  lane *found = device->inbox.lanes;
  while (found && (found->is_channel != is_channel || strcmp(found->origin, origin) != 0)) found = found->next;
  return found;
}

static lane *find_or_add_lane(heliograph_device *device, const char *origin, bool is_channel) {
  lane *found = find_lane(device, origin, is_channel);
  if (found || !(found = calloc(1, sizeof *found))) return found;
  fit(found->origin, sizeof found->origin, origin);
  found->is_channel = is_channel;
  found->end = &found->first;
  lane **link = &device->inbox.lanes;
  while (*link) link = &(*link)->next;
  *link = found;
  return found;
}

static size_t cost_of(const heliograph_handling *handling) { return handling->notification->shown.payload_size + 1024; }

static void free_handling(heliograph_handling *handling) {
  free(handling->notification);
  free(handling);
}

static heliograph_handling *take_first(heliograph_device *device, lane *lane) {
  heliograph_handling *first = lane->first;
  lane->first = first->next;
  if (!lane->first) lane->end = &lane->first;
  lane->count--;
  device->inbox.waiting--;
  device->inbox.bytes -= cost_of(first);
  return first;
}

static void remove_empty_lanes(heliograph_device *device) {
  for (lane **link = &device->inbox.lanes; *link;) {
    lane *each = *link;
    if (each->first) {
      link = &each->next;
      continue;
    }
    *link = each->next;
    free(each);
  }
}

static redrain *redrain_of(heliograph_device *device, bool is_channel) {
  return is_channel ? &device->rejoin : &device->redrain;
}

static void on_failed(heliograph_device *device, const heliograph_notification *shown) {
  redrain_on_failed(redrain_of(device, shown->channel), shown->channel ? shown->channel : shown->topic);
}

/* Whether there is room for one more. */
static bool enqueue(heliograph_device *device, heliograph_handling *handling) {
  const heliograph_notification *shown = &handling->notification->shown;
  inbox *inbox = &device->inbox;
  bool is_channel = shown->channel != NULL;
  size_t cost = cost_of(handling);
  if (inbox->waiting >= MOST_WAITING_ALL || inbox->bytes + cost > MOST_WAITING_BYTES) return false;
  lane *lane = find_or_add_lane(device, is_channel ? shown->channel : shown->topic, is_channel);
  if (!lane || lane->count >= MOST_WAITING) return false;
  *lane->end = handling;
  lane->end = &handling->next;
  lane->count++;
  inbox->waiting++;
  inbox->bytes += cost;
  return true;
}

/* Acknowledged anyway: it would not be any more readable the next time. */
static void unreadable(heliograph_device *device, const mqtt_message *message) {
  heliograph_error error;
  error_set(&error, "BadMessage", NULL, "a notification from the service could not be read and was dropped");
  device_report(device, &error);
  connection_acknowledge(device, device->connection.number, message->id);
}

void inbox_receive(heliograph_device *device, const mqtt_message *message, const char *channel) {
  notification *read = notification_read(message->payload, message->payload_size, channel, message->is_retained);
  if (!read) {
    /* Empty: the broker has nothing stored any more, as the channel was deleted. Not joined: nobody has asked for it. */
    bool is_for_nobody = channel && (message->payload_size == 0 || !channels_has(device, channel));
    if (!is_for_nobody) unreadable(device, message);
    else connection_acknowledge(device, device->connection.number, message->id);
    return;
  }
  heliograph_handling *handling = calloc(1, sizeof *handling);
  if (handling) {
    handling->device = device;
    handling->notification = read;
    handling->connection = device->connection.number;
    handling->message_id = message->id;
    if (enqueue(device, handling)) return;
  }
  on_failed(device, &read->shown);
  free(read);
  free(handling);
}

/* ── one after the other ── */

static const char *drop_cause(const heliograph_device *device, const notification *n) {
  const char *channel = n->shown.channel;
  if (channel && !channels_has(device, channel)) return "left";
  if (!channel && registrar_has_left(device, n->shown.topic)) return "unregistered";
  switch (taken_verdict(&device->inbox.taken, n)) {
    case VERDICT_REPEAT: return "repeat";
    case VERDICT_OUTDATED: return "overtaken";
    default: return NULL;
  }
}

static void drop(heliograph_device *device, const heliograph_notification *shown, const char *cause) {
  device_log(device, "notification %s for %s dropped: %s", shown->id, shown->topic, cause);
  heliograph_event event = {.kind = HELIOGRAPH_DROPPED,
                            .id = shown->id,
                            .topic = shown->topic,
                            .channel = shown->channel,
                            .reason = cause};
  calls_event(device, &event);
}

/* What is not remembered is not acknowledged either: rather a repeat than a surprise later. */
static bool conclude(heliograph_device *device, const heliograph_handling *handling) {
  const heliograph_notification *shown = &handling->notification->shown;
  heliograph_error error;
  if (handling->state == HANDLING_FAILED) {
    error_set(&error, "HandlerFailed", shown->topic,
              "the handler failed on notification %s, which will come again", shown->id);
    fit(error.channel, sizeof error.channel, shown->channel ? shown->channel : "");
    device_report(device, &error);
    return false;
  }
  if (remember(device, handling->notification, &error)) return true;
  device_report(device, &error);
  return false;
}

static void settle(heliograph_device *device, lane *lane, bool is_taken) {
  heliograph_handling *first = take_first(device, lane);
  redrain *redrain = redrain_of(device, lane->is_channel);
  if (is_taken) {
    connection_acknowledge(device, first->connection, first->message_id);
    redrain_on_taken(redrain, lane->origin);
  } else {
    redrain_on_failed(redrain, lane->origin);
  }
  free_handling(first);
}

static void hand_over(heliograph_device *device, heliograph_handling *handling) {
  handling->state = handling->said = HANDLING_AT_WORK;
  heliograph_outcome outcome = device->inbox.handler(device->inbox.context, &handling->notification->shown, handling);
  if (outcome == HELIOGRAPH_LATER) return; /* and perhaps finished by now */
  handling->state = outcome == HELIOGRAPH_TAKEN ? HANDLING_TAKEN : HANDLING_FAILED;
}

/* Whether the program has finished it; what it said is the state from then on. */
static bool has_finished(heliograph_handling *handling) {
  const heliograph_device *device = handling->device;
  if (handling->state != HANDLING_AT_WORK) return true;
  device->platform.loop.lock(device->loop);
  handling->state = handling->said;
  device->platform.loop.unlock(device->loop);
  return handling->state != HANDLING_AT_WORK;
}

/* Works on the first of a lane; returns whether the next one can follow. */
static bool work_on(heliograph_device *device, lane *lane) {
  heliograph_handling *first = lane->first;
  if (first->state == HANDLING_WAITS) {
    if (device->inbox.is_stopped) return false;
    const char *cause = drop_cause(device, first->notification);
    if (cause) {
      drop(device, &first->notification->shown, cause);
      settle(device, lane, true);
      return lane->first != NULL;
    }
    if (!device->inbox.handler) return false;
    hand_over(device, first);
  }
  if (!has_finished(first)) return false;
  settle(device, lane, conclude(device, first));
  return lane->first != NULL;
}

/* Too late to be acknowledged; but what was taken over is remembered, so that the next process is not handed it again. */
static void settle_abandoned(heliograph_device *device) {
  for (heliograph_handling **link = &device->inbox.abandoned; *link;) {
    heliograph_handling *each = *link;
    if (!has_finished(each)) {
      link = &each->next;
      continue;
    }
    *link = each->next;
    conclude(device, each);
    free_handling(each);
  }
}

bool inbox_turn(heliograph_device *device) {
  bool is_more = false;
  /* one of each lane, so that a full one holds up nobody */
  for (lane *each = device->inbox.lanes; each; each = each->next)
    if (each->first && work_on(device, each)) is_more = true;
  remove_empty_lanes(device);
  settle_abandoned(device);
  return is_more;
}

/* ── the program ── */

void heliograph_on_notification(heliograph_device *device, heliograph_handler *handler, void *context) {
  device->inbox.handler = handler;
  device->inbox.context = context;
}

/* It needs no memory: what cannot be finished would hold up its topic until close. */
void heliograph_finish(heliograph_handling *handling, bool is_taken) {
  heliograph_device *device = handling->device;
  device->platform.loop.lock(device->loop);
  handling->said = is_taken ? HANDLING_TAKEN : HANDLING_FAILED;
  device->platform.loop.wake(device->loop);
  device->platform.loop.unlock(device->loop);
}

/* ── the end ── */

void inbox_stop(heliograph_device *device) { device->inbox.is_stopped = true; }

bool inbox_is_at_work(const heliograph_device *device) {
  for (const lane *each = device->inbox.lanes; each; each = each->next)
    if (each->first && each->first->state != HANDLING_WAITS) return true;
  return false;
}

void inbox_abandon(heliograph_device *device) {
  inbox *inbox = &device->inbox;
  for (lane *each = inbox->lanes; each; each = each->next) {
    while (each->first) {
      heliograph_handling *first = take_first(device, each);
      if (first->state == HANDLING_WAITS) {
        free_handling(first);
        continue;
      }
      first->next = inbox->abandoned;
      inbox->abandoned = first;
    }
  }
  remove_empty_lanes(device);
}

void inbox_free(heliograph_device *device) {
  inbox_abandon(device);
  settle_abandoned(device);
  while (device->inbox.abandoned) {
    heliograph_handling *first = device->inbox.abandoned;
    device->inbox.abandoned = first->next;
    free_handling(first);
  }
  taken_free(&device->inbox.taken);
}
