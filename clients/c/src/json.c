#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Levels that are kept, and that are read at all. */
enum { MOST_DEPTH = 32, MOST_RAW_DEPTH = 8192 };
/* Characters of a number that is kept: cJSON reads no more. */
enum { MOST_NUMBER = 60 };

/*
 * Reads JSON without recursion: it says whether it is JSON, and where a value ends. What cJSON or a C string cannot hold (a
 * string with \u0000 or half a character, a long number, what is nested too deeply) is replaced by null, and so is the raw
 * value: where nobody reads it, it does no harm, and where somebody does, it is as if it were missing.
 */
typedef struct {
  const char *at;
  const char *end;
  bool is_bad_text;   /* the last string cannot be kept */
  bool is_skipping;   /* what is read now is replaced as a whole */
  const char *deep;   /* where that begins, if it is nested too deeply; NULL otherwise */
  text kept;          /* what is before `copied`, with all that was replaced; empty while nothing was */
  const char *copied; /* what follows is not in `kept` yet */
  unsigned char kinds[MOST_RAW_DEPTH / 8]; /* a bit for each level: set = an object */
} scan;

static void replace(scan *s, const char *start, const char *by) {
  if (s->is_skipping) return;
  text_add(&s->kept, s->copied, (size_t)(start - s->copied));
  text_put(&s->kept, by);
  s->copied = s->at;
}

static void skip_space(scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool take(scan *s, char expected) {
  if (s->at == s->end || *s->at != expected) return false;
  s->at++;
  return true;
}

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Four digits; -1: there are none. */
static long scan_code(scan *s) {
  char digits[5] = "";
  if (s->end - s->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    if (!is_hex(s->at[i])) return -1;
    digits[i] = s->at[i];
  }
  s->at += 4;
  return strtol(digits, NULL, 16);
}

static bool is_first_half(long code) { return code >= 0xd800 && code < 0xdc00; }

static bool is_second_half(long code) { return code >= 0xdc00 && code < 0xe000; }

static bool has_second_half(scan *s) {
  if (s->end - s->at < 2 || memcmp(s->at, "\\u", 2) != 0) return false;
  const char *before = s->at;
  s->at += 2;
  if (is_second_half(scan_code(s))) return true;
  s->at = before;
  return false;
}

static bool scan_escape(scan *s) {
  if (s->at == s->end) return false;
  char kind = *s->at++;
  if (kind != 'u') return strchr("\"\\/bfnrt", kind) != NULL && kind != '\0';
  long code = scan_code(s);
  if (code < 0) return false;
  bool is_half = is_second_half(code) || (is_first_half(code) && !has_second_half(s));
  if (code == 0 || is_half) s->is_bad_text = true;
  return true;
}

static bool scan_string(scan *s) {
  s->is_bad_text = false;
  if (!take(s, '"')) return false;
  while (s->at < s->end) {
    unsigned char c = (unsigned char)*s->at++;
    if (c == '"') return true;
    if (c < 0x20 || (c == '\\' && !scan_escape(s))) return false;
  }
  return false;
}

static bool scan_digits(scan *s) {
  const char *start = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
  return s->at > start;
}

static bool scan_number(scan *s) {
  take(s, '-');
  if (!take(s, '0') && !scan_digits(s)) return false;
  if (take(s, '.') && !scan_digits(s)) return false;
  if (take(s, 'e') || take(s, 'E')) {
    if (!take(s, '+')) take(s, '-');
    return scan_digits(s);
  }
  return true;
}

static bool scan_word(scan *s, const char *word) {
  size_t size = strlen(word);
  if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0) return false;
  s->at += size;
  return true;
}

static bool scan_text(scan *s) {
  const char *start = s->at;
  if (!scan_string(s)) return false;
  if (s->is_bad_text) replace(s, start, "null");
  return true;
}

static bool scan_short_number(scan *s) {
  const char *start = s->at;
  if (!scan_number(s)) return false;
  if (s->at - start > MOST_NUMBER) replace(s, start, "null");
  return true;
}

static bool scan_scalar(scan *s) {
  switch (*s->at) {
    case '"': return scan_text(s);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return scan_short_number(s);
  }
}

/* A key that cannot be kept is none that anybody reads. */
static bool scan_key(scan *s) {
  skip_space(s);
  const char *start = s->at;
  if (!scan_string(s)) return false;
  if (s->is_bad_text) replace(s, start, "\"\"");
  skip_space(s);
  return take(s, ':');
}

static bool is_object_at(const scan *s, size_t level) { return s->kinds[level / 8] & (1u << level % 8); }

static bool push(scan *s, size_t *depth, bool is_object) {
  if (*depth == MOST_RAW_DEPTH) return false;
  unsigned char bit = (unsigned char)(1u << *depth % 8);
  if (is_object) s->kinds[*depth / 8] |= bit;
  else s->kinds[*depth / 8] &= (unsigned char)~bit;
  *depth += 1;
  return true;
}

/* What is deeper than may be kept is replaced where it begins to be. */
static void begin_deep(scan *s, size_t depth) {
  if (depth != MOST_DEPTH - 1 || s->is_skipping) return;
  s->deep = s->at;
  s->is_skipping = true;
}

static void end_deep(scan *s, size_t depth) {
  if (depth != MOST_DEPTH - 1 || !s->deep) return;
  s->is_skipping = false;
  replace(s, s->deep, "null");
  s->deep = NULL;
}

/* After a value: ends what ends here. Returns 1 if another value follows, 0 if all is closed, -1 if it is no JSON. */
static int close_levels(scan *s, size_t *depth) {
  while (*depth > 0) {
    bool is_object = is_object_at(s, *depth - 1);
    skip_space(s);
    if (take(s, ',')) return is_object && !scan_key(s) ? -1 : 1;
    if (!take(s, is_object ? '}' : ']')) return -1;
    *depth -= 1;
    end_deep(s, *depth);
  }
  return 0;
}

/* An object or a list begins. Returns 1 if its first value follows, 0 if it is empty, -1 if it is no JSON. */
static int open_level(scan *s, size_t *depth) {
  bool is_object = *s->at == '{';
  begin_deep(s, *depth);
  s->at++;
  if (!push(s, depth, is_object)) return -1;
  skip_space(s);
  if (s->at < s->end && *s->at == (is_object ? '}' : ']')) return 0;
  return is_object && !scan_key(s) ? -1 : 1;
}

/* One value, from here to its end. */
static bool scan_value(scan *s) {
  size_t depth = 0;
  for (;;) {
    skip_space(s);
    if (s->at == s->end) return false;
    bool is_level = *s->at == '{' || *s->at == '[';
    int next = is_level ? open_level(s, &depth) : scan_scalar(s) ? 0 : -1;
    if (next == 0) next = close_levels(s, &depth);
    if (next <= 0) return next == 0;
  }
}

static bool is_key(const char *start, size_t size, const char *name) {
  return name && size == strlen(name) + 2 && memcmp(start + 1, name, size - 2) == 0;
}

/* The raw value, of which nothing but its end is looked at. */
static bool scan_raw(scan *s, span *value) {
  const char *start = s->at;
  s->is_skipping = true;
  bool is_value = scan_value(s);
  s->is_skipping = false;
  if (!is_value || value->size > 0) return false; /* twice: nobody could say which one counts */
  *value = (span){start, (size_t)(s->at - start)};
  replace(s, start, "null");
  return true;
}

/* One member of the outermost object; `value` is set if it is the raw one. */
static bool scan_member(scan *s, const char *raw, span *value) {
  skip_space(s);
  const char *key = s->at;
  if (!scan_key(s)) return false;
  const char *end = s->at;
  while (end > key && end[-1] != '"') end--;
  skip_space(s);
  return is_key(key, (size_t)(end - key), raw) ? scan_raw(s, value) : scan_value(s);
}

static bool scan_object(scan *s, const char *raw, span *value) {
  skip_space(s);
  if (!take(s, '{')) return false;
  skip_space(s);
  if (!take(s, '}')) {
    do {
      if (!scan_member(s, raw, value)) return false;
      skip_space(s);
    } while (take(s, ','));
    if (!take(s, '}')) return false;
  }
  skip_space(s);
  return s->at == s->end;
}

static cJSON *parse_kept(scan *s) {
  text_add(&s->kept, s->copied, (size_t)(s->end - s->copied));
  return s->kept.failed ? NULL : cJSON_ParseWithLength(s->kept.bytes, s->kept.size);
}

json_result json_read(const char *bytes, size_t size, const char *raw, span *value, cJSON **object) {
  span found = {NULL, 0};
  *object = NULL;
  if (size == 0 || !is_utf8(bytes, size)) return JSON_BAD;
  scan s = {.at = bytes, .end = bytes + size, .copied = bytes};
  text_init(&s.kept, 2 * size + 4); /* `[]` becomes `null` */
  bool is_object = scan_object(&s, raw, &found);
  if (is_object && s.copied == bytes) *object = cJSON_ParseWithLength(bytes, size);
  else if (is_object) *object = parse_kept(&s);
  text_free(&s.kept);
  if (value) *value = found;
  if (!is_object) return JSON_BAD;
  return *object ? JSON_READ : JSON_NO_MEMORY;
}

cJSON *json_object(const char *bytes, size_t size, const char *raw, span *value) {
  cJSON *object;
  json_read(bytes, size, raw, value, &object);
  return object;
}

const char *json_text(const cJSON *object, const char *name) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

const char *json_name(const cJSON *object, const char *name, size_t most) {
  const char *string = json_text(object, name);
  return string && *string && strlen(string) <= most ? string : NULL;
}

const cJSON *json_object_at(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsObject(item) ? item : NULL;
}

const cJSON *json_list(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsArray(item) ? item : NULL;
}

bool json_is_number(const cJSON *object, const char *name) {
  return cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(object, name));
}

int64_t json_whole(const cJSON *object, const char *name, int64_t otherwise) {
  const int64_t most = INT64_C(9007199254740992);
  if (!json_is_number(object, name)) return otherwise;
  double number = cJSON_GetObjectItemCaseSensitive(object, name)->valuedouble;
  if (number >= (double)most) return most;
  if (number <= -(double)most) return -most;
  return number == number ? (int64_t)number : otherwise;
}

bool json_is_true(const cJSON *object, const char *name) {
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}
