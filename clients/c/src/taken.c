#include "taken.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Topics, channels and collapse ids of which the newest is remembered; a service that uses more has the oldest forgotten. */
enum { MOST_LANES = 1000 };

/* What is remembered of a notification; the texts follow it. */
struct record {
  record *next;
  const char *id;
  const char *topic;
  const char *channel;     /* or NULL */
  const char *seq;         /* or NULL */
  const char *collapse_id; /* kept only where it is a lane of its own; otherwise NULL */
  int64_t accepted_at;
  bool stored;
  bool is_per_collapse_id;
};

void taken_init(taken_index *index) {
  memset(index, 0, sizeof *index);
  index->ids_end = &index->ids;
}

static void free_list(record *first) {
  while (first) {
    record *next = first->next;
    free(first);
    first = next;
  }
}

void taken_free(taken_index *index) {
  free_list(index->ids);
  free_list(index->newest);
  free_list(index->newest_stored);
  taken_init(index);
}

/* A view; its texts are those of the notification. */
static record record_of(const notification *n) {
  const heliograph_notification *s = &n->shown;
  return (record){NULL,           s->id,     s->topic, s->channel, s->seq, s->pending ? s->collapse_id : NULL,
                  s->accepted_at, s->stored, s->pending != NULL};
}

static char *place(char **at, const char *string) {
  if (!string) return NULL;
  size_t size = strlen(string) + 1;
  char *start = memcpy(*at, string, size);
  *at += size;
  return start;
}

static size_t room_of(const char *string) { return string ? strlen(string) + 1 : 0; }

static record *copy_of_record(const record *r) {
  size_t room = room_of(r->id) + room_of(r->topic) + room_of(r->channel) + room_of(r->seq) + room_of(r->collapse_id);
  record *copy = malloc(sizeof *copy + room);
  if (!copy) return NULL;
  char *at = (char *)(copy + 1);
  *copy = *r;
  copy->next = NULL;
  copy->id = place(&at, r->id);
  copy->topic = place(&at, r->topic);
  copy->channel = place(&at, r->channel);
  copy->seq = place(&at, r->seq);
  copy->collapse_id = place(&at, r->collapse_id);
  return copy;
}

/* A channel is one, whichever topic it is of. */
static bool is_same_place(const record *one, const record *other) {
  return is_same(one->channel, other->channel) && (one->channel || is_same(one->topic, other->topic));
}

static bool is_same_one(const record *one, const record *other) {
  return strcmp(one->id, other->id) == 0 && is_same_place(one, other);
}

/* Whether one can overtake the other at all. */
static bool is_same_lane(const record *one, const record *other) {
  return one->is_per_collapse_id == other->is_per_collapse_id && is_same(one->collapse_id, other->collapse_id) &&
         is_same_place(one, other);
}

/* Among those of a collapse id, what has none replaces nothing and is replaced by nothing. */
static bool has_lane(const record *r) { return !r->is_per_collapse_id || r->collapse_id; }

/* Not known to be older = false. */
static bool is_older(const record *one, const record *than) {
  if (one->seq && than->seq) return strcmp(one->seq, than->seq) < 0;
  return one->accepted_at < than->accepted_at;
}

static const record *find_lane(const record *list, const record *asked) {
  while (list && !is_same_lane(list, asked)) list = list->next;
  return list;
}

static verdict verdict_of(const taken_index *index, const record *asked) {
  for (const record *known = index->ids; known; known = known->next)
    if (is_same_one(known, asked) && asked->accepted_at - known->accepted_at < REMEMBERED_MS) return VERDICT_REPEAT;
  if (!has_lane(asked)) return VERDICT_NEW;
  const record *newest = find_lane(asked->stored ? index->newest : index->newest_stored, asked);
  if (!newest) return VERDICT_NEW;
  /* the latest of a channel comes at every subscription, also when its id is no longer among the last */
  bool is_that_one = asked->stored && asked->seq && is_same(asked->seq, newest->seq);
  return is_that_one || is_older(asked, newest) ? VERDICT_OUTDATED : VERDICT_NEW;
}

verdict taken_verdict(const taken_index *index, const notification *n) {
  record asked = record_of(n);
  return verdict_of(index, &asked);
}

/* The newest of its lane is the last in the list. */
static bool keep_newest(record **list, const record *r) {
  record **link = list;
  while (*link && !is_same_lane(*link, r)) link = &(*link)->next;
  if (*link && !is_older(*link, r)) return true;
  record *copy = copy_of_record(r);
  if (!copy) return false;
  if (*link) {
    record *old = *link;
    *link = old->next;
    free(old);
  }
  size_t count = 0;
  for (link = list; *link; link = &(*link)->next) count++;
  *link = copy;
  if (count >= MOST_LANES) {
    record *oldest = *list;
    *list = oldest->next;
    free(oldest);
  }
  return true;
}

static void remove_from(record **list, const record *r) {
  record **link = list;
  while (*link && !is_same_lane(*link, r)) link = &(*link)->next;
  if (!*link || !is_same_one(*link, r)) return;
  record *old = *link;
  *link = old->next;
  free(old);
}

/* Topics are few and stay; collapse ids may be any number, so none outlives its notification. */
static void remove_id(taken_index *index, const record *r) {
  record **link = &index->ids;
  while (*link && !is_same_one(*link, r)) link = &(*link)->next;
  if (!*link) return;
  record *old = *link;
  *link = old->next;
  if (!*link) index->ids_end = link;
  index->id_count--;
  if (old->is_per_collapse_id) {
    remove_from(&index->newest, old);
    remove_from(&index->newest_stored, old);
  }
  free(old);
}

static bool add(taken_index *index, const record *r) {
  record *copy = copy_of_record(r);
  if (!copy) return false;
  remove_id(index, copy);
  *index->ids_end = copy;
  index->ids_end = &copy->next;
  if (++index->id_count > HELIOGRAPH_REMEMBERED_IDS) remove_id(index, index->ids);
  if (!has_lane(r)) return true;
  return keep_newest(&index->newest, r) && (!r->stored || keep_newest(&index->newest_stored, r));
}

bool taken_add(taken_index *index, const notification *n) {
  record r = record_of(n);
  return add(index, &r);
}

static void write_member(text *out, const char *name, const char *value) {
  if (!value) return;
  text_put(out, ",\"");
  text_put(out, name);
  text_put(out, "\":");
  text_quoted(out, value);
}

static void write_line(text *out, const record *r) {
  text_put(out, "{\"id\":");
  text_quoted(out, r->id);
  write_member(out, "topic", r->topic);
  text_put(out, ",\"acceptedAt\":");
  text_number(out, r->accepted_at);
  write_member(out, "seq", r->seq);
  if (r->stored) text_put(out, ",\"stored\":true");
  write_member(out, "channel", r->channel);
  write_member(out, "pending", r->is_per_collapse_id ? "perCollapseId" : NULL);
  write_member(out, "collapseId", r->collapse_id);
  text_put(out, "}\n");
}

void taken_write_line(text *out, const notification *n) {
  record r = record_of(n);
  write_line(out, &r);
}

static bool is_remembered(const record *ids, const record *asked) {
  while (ids && !is_same_one(ids, asked)) ids = ids->next;
  return ids != NULL;
}

size_t taken_write(text *out, const taken_index *index) {
  size_t count = 0;
  const record *lists[] = {index->newest, index->newest_stored};
  for (size_t i = 0; i < 2; i++)
    for (const record *r = lists[i]; r; r = r->next)
      if (!is_remembered(index->ids, r)) write_line(out, r), count++;
  for (const record *r = index->ids; r; r = r->next) write_line(out, r), count++;
  return count;
}

void taken_add_line(taken_index *index, const char *line, size_t size) {
  cJSON *data = json_object(line, size, NULL, NULL);
  record r = {
      .id = json_name(data, "id", MOST_ID),
      .topic = json_name(data, "topic", MOST_TOPIC),
      .channel = json_name(data, "channel", HELIOGRAPH_CHANNEL_ID),
      .seq = json_name(data, "seq", MOST_SEQ),
      .accepted_at = json_whole(data, "acceptedAt", 0),
      .stored = json_is_true(data, "stored"),
      .is_per_collapse_id = is_same(json_text(data, "pending"), "perCollapseId"),
  };
  if (r.is_per_collapse_id) r.collapse_id = json_name(data, "collapseId", MOST_COLLAPSE_ID);
  if (r.id && r.topic && json_is_number(data, "acceptedAt")) add(index, &r);
  cJSON_Delete(data);
}
