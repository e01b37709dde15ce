#include "taken.h"

#include "test.h"

static taken_index memory;

static notification note(const char *id, int order, bool stored) {
  static char seqs[8][32];
  static int used;
  char *seq = seqs[used++ % 8];
  snprintf(seq, sizeof seqs[0], "01KB%022d", order);
  notification n = {{.id = id, .topic = "t", .seq = seq, .accepted_at = order, .stored = stored}};
  return n;
}

static notification of_collapse_id(notification n, const char *collapse_id) {
  n.shown.pending = "perCollapseId";
  n.shown.collapse_id = collapse_id;
  return n;
}

static notification of_channel(notification n, const char *channel) {
  n.shown.channel = channel;
  return n;
}

static verdict judge(notification n) { return taken_verdict(&memory, &n); }

static void take(notification n) {
  CHECK(judge(n) == VERDICT_NEW);
  CHECK(taken_add(&memory, &n));
}

/* As after a restart. */
static void reload(void) {
  text journal;
  text_init(&journal, 1024 * 1024);
  taken_write(&journal, &memory);
  taken_free(&memory);
  for (const char *at = journal.bytes; at && *at;) {
    const char *end = strchr(at, '\n');
    taken_add_line(&memory, at, (size_t)(end - at));
    at = end + 1;
  }
  text_free(&journal);
}

static void drops_repeats_for_a_day(void) {
  take(note("a", 1000, false));
  CHECK(judge(note("a", 1000, true)) == VERDICT_REPEAT);
  CHECK(judge(note("b", 1000, false)) == VERDICT_NEW);
  notification later = note("a", 1000, false);
  later.shown.accepted_at += REMEMBERED_MS;
  CHECK(judge(later) == VERDICT_NEW);
  later.shown.topic = "other";
  CHECK(judge(later) == VERDICT_NEW);
}

static void drops_what_was_overtaken(void) {
  take(note("50", 50, false));
  CHECK(judge(note("30", 30, true)) == VERDICT_OUTDATED);
  take(note("40", 40, false));
  take(note("70", 70, true));
  CHECK(judge(note("60", 60, false)) == VERDICT_OUTDATED);
  take(note("80", 80, false));
  reload();
  CHECK(judge(note("60", 60, false)) == VERDICT_OUTDATED);
  CHECK(judge(note("79", 79, true)) == VERDICT_OUTDATED);
  CHECK(judge(note("80", 80, false)) == VERDICT_REPEAT);
  take(note("75", 75, false));
  take(note("81", 81, true));
}

static void judges_collapse_ids_apart(void) {
  take(of_collapse_id(note("10", 10, true), "a"));
  take(of_collapse_id(note("8", 8, true), "b"));
  take(of_collapse_id(note("7", 7, true), NULL));
  take(of_collapse_id(note("6", 6, true), NULL));
  reload();
  CHECK(judge(of_collapse_id(note("9", 9, true), "a")) == VERDICT_OUTDATED);
  CHECK(judge(of_collapse_id(note("9", 9, false), "a")) == VERDICT_OUTDATED);
  CHECK(judge(of_collapse_id(note("5", 5, true), NULL)) == VERDICT_NEW);
  take(of_collapse_id(note("11", 11, true), "a"));
  /* what is kept newest by topic is a lane of its own */
  take(note("5", 5, true));
}

static void judges_channels_apart(void) {
  take(of_channel(note("10", 10, true), "one"));
  CHECK(judge(of_channel(note("again", 10, true), "one")) == VERDICT_OUTDATED);
  CHECK(judge(of_channel(note("9", 9, false), "one")) == VERDICT_OUTDATED);
  take(of_channel(note("10", 10, true), "two"));
  take(note("10", 10, true));
  reload();
  CHECK(judge(of_channel(note("again", 10, true), "one")) == VERDICT_OUTDATED);
  notification elsewhere = of_channel(note("10", 10, true), "two");
  elsewhere.shown.topic = "another topic of the same channel";
  CHECK(judge(elsewhere) == VERDICT_REPEAT);
}

static void forgets_the_oldest(void) {
  char ids[HELIOGRAPH_REMEMBERED_IDS + 1][8];
  for (int i = 0; i <= HELIOGRAPH_REMEMBERED_IDS; i++) {
    snprintf(ids[i], sizeof ids[i], "%d", i);
    take(of_collapse_id(note(ids[i], i + 1, false), ids[i]));
  }
  CHECK(memory.id_count == HELIOGRAPH_REMEMBERED_IDS);
  CHECK(judge(of_collapse_id(note("0", 1, false), "0")) == VERDICT_NEW);
  CHECK(judge(of_collapse_id(note("1", 2, false), "1")) == VERDICT_REPEAT);
  CHECK(judge(of_collapse_id(note("x", 0, true), "0")) == VERDICT_NEW);
  CHECK(judge(of_collapse_id(note("x", 0, true), "1")) == VERDICT_OUTDATED);
}

/* Any number of collapse ids, or of channels, costs nothing that is known of a topic or of another channel. */
static void forgets_no_lane_for_another_kind(void) {
  char names[2 * HELIOGRAPH_REMEMBERED_IDS + 200][25];
  take(of_channel(note("c", 10, true), "one"));
  take(note("t", 10, true));
  for (int i = 0; i < 2 * HELIOGRAPH_REMEMBERED_IDS + 200; i++) {
    snprintf(names[i], sizeof names[i], "%d", i);
    take(of_collapse_id(note(names[i], i, true), names[i]));
  }
  for (int i = 0; i < 99; i++) take(of_channel(note(names[i], i + 20, true), names[i]));
  reload();
  CHECK(judge(of_channel(note("again", 10, true), "one")) == VERDICT_OUTDATED);
  for (int i = 99; i < 200; i++) take(of_channel(note(names[i], i + 20, true), names[i]));
  CHECK(judge(of_channel(note("again", 10, true), "one")) == VERDICT_NEW);
  CHECK(judge(note("again", 9, true)) == VERDICT_OUTDATED);
  CHECK(judge(of_channel(note("x", 219, true), "199")) == VERDICT_OUTDATED);
}

static size_t lines_of(text *journal) {
  text_init(journal, (size_t)TAKEN_MOST_LINES * TAKEN_MOST_LINE);
  return taken_write(journal, &memory);
}

/* What is the newest, and the newest stored one as well. */
static void writes_each_line_once(void) {
  char ids[HELIOGRAPH_REMEMBERED_IDS][8];
  text journal;
  take(of_channel(note("c", 10, true), "one"));
  for (int i = 0; i < HELIOGRAPH_REMEMBERED_IDS; i++) {
    snprintf(ids[i], sizeof ids[i], "%d", i);
    take(note(ids[i], i + 1, false));
  }
  CHECK(lines_of(&journal) == HELIOGRAPH_REMEMBERED_IDS + 1);
  text_free(&journal);
}

/* JSON writes a control character six times as long: this process remembers it, and the journal stays bounded. */
static void leaves_out_what_is_too_long(void) {
  char id[129], topic[256];
  memset(id, 1, 128);
  memset(topic, 1, 255);
  id[128] = topic[255] = '\0';
  notification n = note(id, 10, true);
  n.shown.topic = topic;
  take(n);
  take(note("a", 10, true));
  CHECK(judge(n) == VERDICT_REPEAT);
  text journal;
  CHECK(lines_of(&journal) == 1 && !strstr(journal.bytes, "u0001"));
  text_free(&journal);
}

static void skips_damaged_lines(void) {
  const char *lines[] = {"", "{\"id\":\"a\",\"topic\":\"t\"", "garbage", "{\"id\":1,\"topic\":\"t\",\"acceptedAt\":1}",
                         "{\"id\":\"a\",\"topic\":\"t\",\"acceptedAt\":1}"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) taken_add_line(&memory, lines[i], strlen(lines[i]));
  CHECK(memory.id_count == 1);
}

int main(void) {
  void (*const all[])(void) = {drops_repeats_for_a_day, drops_what_was_overtaken, judges_collapse_ids_apart,
                               judges_channels_apart,   forgets_the_oldest,       forgets_no_lane_for_another_kind,
                               writes_each_line_once,   leaves_out_what_is_too_long, skips_damaged_lines};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    taken_init(&memory);
    all[i]();
    taken_free(&memory);
  }
  return 0;
}
