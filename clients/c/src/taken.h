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
/* The line of a notification in the journal. */
void taken_write_line(text *out, const notification *n);
/* All that a restart must know, in an order that `taken_add_line` can repeat. Returns the number of lines. */
size_t taken_write(text *out, const taken_index *index);

#endif
