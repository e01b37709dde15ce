/*
 * The memory of what the handler has taken over: the ids of the last notifications, and the newest of each topic.
 *
 * A stored one is outdated by anything newer, which overtook it. A direct one is outdated only by a newer stored one, which
 * has replaced all before it: it may be the retry of one that was coalesced.
 */
#ifndef TAKEN_H
#define TAKEN_H

#include "names.h"
#include "notification.h"
#include "text.h"

/*
 * A repeat comes within the service's own retries, so the last few and the last day are enough. The day is told by
 * `accepted_at`: the device's clock may jump by years between a notification and its repeat.
 */
#ifndef HELIOGRAPH_REMEMBERED_IDS
#define HELIOGRAPH_REMEMBERED_IDS 1000
#endif
#define REMEMBERED_MS INT64_C(86400000)

/*
 * Topics and channels of which the newest is remembered, twice as many as a device can have at a time: programs join a channel
 * for each game. Collapse ids may be any number; each is forgotten with its notification.
 */
enum { TAKEN_MOST_TOPICS = 200, TAKEN_MOST_CHANNELS = 100 };

/*
 * Bytes of a line in the journal. The longest texts fit, unless somebody filled them with control characters, which JSON
 * writes six times as long: such a notification is remembered by this process alone, so that all others always fit.
 */
enum { TAKEN_MOST_LINE = 2048 };

/* Lines that `taken_write` writes: the newest and the newest stored one of each, and the ids. */
enum { TAKEN_MOST_LINES = HELIOGRAPH_REMEMBERED_IDS + 2 * (TAKEN_MOST_TOPICS + TAKEN_MOST_CHANNELS) };

typedef enum { VERDICT_NEW, VERDICT_REPEAT, VERDICT_OUTDATED } verdict;

typedef struct record record;

/* The lists begin with the oldest. */
typedef struct {
  record *ids, **ids_end;
  size_t id_count;
  record *newest; /* of each topic, channel or collapse id: what was taken last is last */
  record *newest_stored;
} taken_index;

void taken_init(taken_index *index);
void taken_free(taken_index *index);
verdict taken_verdict(const taken_index *index, const notification *n);
/* Returns false without memory. */
bool taken_add(taken_index *index, const notification *n);
/* Adds what a line of the journal says; a damaged one says nothing. */
void taken_add_line(taken_index *index, const char *line, size_t size);
/* The line of a notification in the journal; false: it would be too long, and is not written. */
bool taken_write_line(text *out, const notification *n);
/* All that a restart must know, once each, in an order that `taken_add_line` can repeat. Returns the number of lines. */
size_t taken_write(text *out, const taken_index *index);

#endif
