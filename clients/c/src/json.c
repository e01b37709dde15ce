#include "json.h"

#include <string.h>

#include "text.h"

enum { MOST_DEPTH = 32, MOST_RAW_DEPTH = 8192 };

/* Reads JSON and keeps nothing of it: it says whether it is JSON, and where a value ends. Without recursion. */
typedef struct {
  const char *at;
  const char *end;
  bool has_nul;                        /* a string with \u0000, which a C string cannot hold */
  size_t deepest;                      /* of the last value */
  unsigned char kinds[MOST_RAW_DEPTH / 8]; /* a bit for each level: set = an object */
} scan;

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

static bool scan_escape(scan *s) {
  if (s->at == s->end) return false;
  char kind = *s->at++;
  if (kind != 'u') return strchr("\"\\/bfnrt", kind) != NULL && kind != '\0';
  if (s->end - s->at < 4) return false;
  for (int i = 0; i < 4; i++)
    if (!is_hex(s->at[i])) return false;
  if (memcmp(s->at, "0000", 4) == 0) s->has_nul = true;
  s->at += 4;
  return true;
}

static bool scan_string(scan *s) {
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

static bool scan_scalar(scan *s) {
  switch (*s->at) {
    case '"': return scan_string(s);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return scan_number(s);
  }
}

static bool scan_key(scan *s) {
  skip_space(s);
  if (!scan_string(s)) return false;
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
  if (*depth > s->deepest) s->deepest = *depth;
  return true;
}

/* After a value: ends what ends here. Returns 1 if another value follows, 0 if all is closed, -1 if it is no JSON. */
static int close_levels(scan *s, size_t *depth) {
  while (*depth > 0) {
    bool is_object = is_object_at(s, *depth - 1);
    skip_space(s);
    if (take(s, ',')) return is_object && !scan_key(s) ? -1 : 1;
    if (!take(s, is_object ? '}' : ']')) return -1;
    *depth -= 1;
  }
  return 0;
}

/* One value, from here to its end. */
static bool scan_value(scan *s) {
  size_t depth = 0;
  s->deepest = 0;
  for (;;) {
    skip_space(s);
    if (s->at == s->end) return false;
    bool is_object = *s->at == '{';
    if (is_object || *s->at == '[') {
      s->at++;
      if (!push(s, &depth, is_object)) return false;
      skip_space(s);
      bool is_empty = s->at < s->end && *s->at == (is_object ? '}' : ']');
      if (!is_empty) {
        if (is_object && !scan_key(s)) return false;
        continue;
      }
    } else if (!scan_scalar(s)) {
      return false;
    }
    int next = close_levels(s, &depth);
    if (next <= 0) return next == 0;
  }
}

static bool is_key(const char *start, size_t size, const char *name) {
  return name && size == strlen(name) + 2 && memcmp(start + 1, name, size - 2) == 0;
}

/* One member of the outermost object; `value` is set if it is the raw one. */
static bool scan_member(scan *s, const char *raw, span *value) {
  skip_space(s);
  const char *key = s->at;
  if (!scan_string(s)) return false;
  bool is_raw = is_key(key, (size_t)(s->at - key), raw);
  skip_space(s);
  if (!take(s, ':')) return false;
  skip_space(s);
  const char *start = s->at;
  bool had_nul = s->has_nul;
  if (!scan_value(s)) return false;
  if (!is_raw) return s->deepest < MOST_DEPTH;
  if (value->size > 0) return false; /* twice: what came first would be left in the object */
  s->has_nul = had_nul;
  *value = (span){start, (size_t)(s->at - start)};
  return true;
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
  return s->at == s->end && !s->has_nul;
}

/* The text with `null` in place of the raw value. */
static cJSON *parse_without(const char *bytes, size_t size, const span *value) {
  if (value->size == 0) return cJSON_ParseWithLength(bytes, size);
  size_t before = (size_t)(value->start - bytes);
  text rest;
  text_init(&rest, size + 4);
  text_add(&rest, bytes, before);
  text_put(&rest, "null");
  text_add(&rest, value->start + value->size, size - before - value->size);
  cJSON *object = rest.failed ? NULL : cJSON_ParseWithLength(rest.bytes, rest.size);
  text_free(&rest);
  return object;
}

cJSON *json_object(const char *bytes, size_t size, const char *raw, span *value) {
  span found = {NULL, 0};
  if (size == 0) return NULL;
  scan s = {.at = bytes, .end = bytes + size};
  if (!is_utf8(bytes, size) || !scan_object(&s, raw, &found)) return NULL;
  if (value) *value = found;
  return parse_without(bytes, size, &found);
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
