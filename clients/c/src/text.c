#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_init(text *text, size_t most) {
  memset(text, 0, sizeof *text);
  text->most = most;
}

static void wipe(void *bytes, size_t size) {
  volatile unsigned char *each = bytes;
  while (size-- > 0) *each++ = 0;
}

/* Not realloc: it would leave a copy of what may be a key. */
static bool text_grow(text *text, size_t needed) {
  size_t room = text->room ? text->room : 256;
  while (room < needed) room *= 2;
  char *bytes = malloc(room);
  if (!bytes) return false;
  if (text->bytes) {
    memcpy(bytes, text->bytes, text->size + 1);
    wipe(text->bytes, text->size);
    free(text->bytes);
  }
  text->bytes = bytes;
  text->room = room;
  return true;
}

void text_add(text *text, const void *bytes, size_t size) {
  if (text->failed) return;
  bool fits = size <= text->most && text->size <= text->most - size;
  if (!fits || (text->size + size + 1 > text->room && !text_grow(text, text->size + size + 1))) {
    text->failed = true;
    return;
  }
  if (size > 0) memcpy(text->bytes + text->size, bytes, size);
  text->size += size;
  text->bytes[text->size] = '\0';
}

void text_byte(text *text, uint8_t byte) { text_add(text, &byte, 1); }

void text_put(text *text, const char *string) { text_add(text, string, strlen(string)); }

void text_number(text *text, int64_t number) {
  char digits[32];
  snprintf(digits, sizeof digits, "%lld", (long long)number);
  text_put(text, digits);
}

void text_quoted(text *text, const char *string) {
  text_byte(text, '"');
  for (const unsigned char *at = (const unsigned char *)string; *at; at++) {
    char escaped[8];
    if (*at == '"' || *at == '\\') {
      text_byte(text, '\\');
      text_byte(text, *at);
    } else if (*at == '\n') {
      text_put(text, "\\n");
    } else if (*at < 0x20 || *at == 0x7f) {
      snprintf(escaped, sizeof escaped, "\\u%04x", *at);
      text_put(text, escaped);
    } else {
      text_byte(text, *at);
    }
  }
  text_byte(text, '"');
}

void text_drop(text *text, size_t size) {
  if (size == 0 || size > text->size) return;
  text->size -= size;
  memmove(text->bytes, text->bytes + size, text->size + 1);
}

void text_free(text *text) {
  if (text->bytes) wipe(text->bytes, text->size);
  free(text->bytes);
  text_init(text, text->most);
}

char *copy_of_bytes(const void *bytes, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy) return NULL;
  if (size > 0) memcpy(copy, bytes, size);
  copy[size] = '\0';
  return copy;
}

char *copy_of(const char *string) { return string ? copy_of_bytes(string, strlen(string)) : NULL; }

void forget(char *string) {
  if (string) wipe(string, strlen(string));
  free(string);
}

void forget_bytes(char *bytes, size_t size) {
  if (bytes) wipe(bytes, size);
  free(bytes);
}

bool fit(char *target, size_t room, const char *source) {
  size_t size = strlen(source);
  bool is_all = size < room;
  if (!is_all) {
    size = room - 1;
    while (size > 0 && ((unsigned char)source[size] & 0xc0) == 0x80) size--;
  }
  memmove(target, source, size);
  target[size] = '\0';
  return is_all;
}

void make_printable(char *string) {
  for (unsigned char *at = (unsigned char *)string; *at; at++)
    if (*at < 0x20 || *at == 0x7f) *at = '?';
}

bool is_same(const char *one, const char *other) {
  return one == other || (one && other && strcmp(one, other) == 0);
}

/* How many bytes follow this first one, and the least code point that needs so many; -1: none can start with it. */
static int utf8_following(unsigned char first, uint32_t *least, uint32_t *point) {
  if (first < 0x80) return *least = 0, *point = first, 0;
  if (first >= 0xc2 && first < 0xe0) return *least = 0x80, *point = first & 0x1f, 1;
  if (first >= 0xe0 && first < 0xf0) return *least = 0x800, *point = first & 0x0f, 2;
  if (first >= 0xf0 && first < 0xf5) return *least = 0x10000, *point = first & 0x07, 3;
  return -1;
}

bool is_utf8(const void *bytes, size_t size) {
  const unsigned char *at = bytes, *end = at + size;
  while (at < end) {
    uint32_t least, point;
    int following = utf8_following(*at++, &least, &point);
    if (following < 0 || end - at < following) return false;
    for (; following > 0; following--) {
      if ((*at & 0xc0) != 0x80) return false;
      point = (point << 6) | (*at++ & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}
