#include "taken.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

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

typedef enum { LANE_TOPIC, LANE_CHANNEL, LANE_COLLAPSE_ID } lane_kind;

static lane_kind kind_of(const record *r) {
  if (r->channel) return LANE_CHANNEL;
  return r->is_per_collapse_id ? LANE_COLLAPSE_ID : LANE_TOPIC;
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

/* The record of the same lane, or the end of the list. */
static record **link_of_lane(record **list, const record *r) {
  while (*list && !is_same_lane(*list, r)) list = &(*list)->next;
  return list;
}

static void remove_at(record **link) {
  record *old = *link;
  *link = old->next;
  free(old);
}

static size_t most_of(lane_kind kind) { return kind == LANE_TOPIC ? TAKEN_MOST_TOPICS : TAKEN_MOST_CHANNELS; }

/* One kind pushes out none of another: any number of games must not cost what is known of a topic. */
static void forget_oldest_lane(record **list, lane_kind kind) {
  record **oldest = NULL;
  size_t count = 0;
  if (kind == LANE_COLLAPSE_ID) return; /* they end with the ids, which are counted */
  for (record **link = list; *link; link = &(*link)->next) {
    if (kind_of(*link) != kind) continue;
    if (!oldest) oldest = link;
    count++;
  }
  if (count > most_of(kind)) remove_at(oldest);
}

/* The newest of its lane is the last in the list. */
static bool keep_newest(record **list, const record *r) {
  record **link = link_of_lane(list, r);
  if (*link && !is_older(*link, r)) return true;
  record *copy = copy_of_record(r);
  if (!copy) return false;
  if (*link) remove_at(link);
  while (*link) link = &(*link)->next;
  *link = copy;
  forget_oldest_lane(list, kind_of(copy));
  return true;
}

static void remove_from(record **list, const record *r) {
  record **link = link_of_lane(list, r);
  if (*link && is_same_one(*link, r)) remove_at(link);
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

/* A line that is too long is left out; returns whether it is in. */
static bool write_if_it_fits(text *out, const record *r) {
  size_t before = out->size;
  write_line(out, r);
  if (out->failed || out->size - before <= TAKEN_MOST_LINE) return true;
  out->size = before;
  return false;
}

bool taken_write_line(text *out, const notification *n) {
  record r = record_of(n);
  return write_if_it_fits(out, &r);
}

static bool is_among(const record *list, const record *asked) {
  while (list && !is_same_one(list, asked)) list = list->next;
  return list != NULL;
}

size_t taken_write(text *out, const taken_index *index) {
  size_t count = 0;
  for (const record *r = index->newest; r; r = r->next)
    if (!is_among(index->ids, r)) count += write_if_it_fits(out, r);
  for (const record *r = index->newest_stored; r; r = r->next)
    if (!is_among(index->ids, r) && !is_among(index->newest, r)) count += write_if_it_fits(out, r);
  for (const record *r = index->ids; r; r = r->next) count += write_if_it_fits(out, r);
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
  };
  r.is_per_collapse_id = !r.channel && is_same(json_text(data, "pending"), "perCollapseId");
  if (r.is_per_collapse_id) r.collapse_id = json_name(data, "collapseId", MOST_COLLAPSE_ID);
  if (r.id && r.topic && json_is_number(data, "acceptedAt")) add(index, &r);
  cJSON_Delete(data);
}
