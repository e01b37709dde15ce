/* Text and bytes that grow up to a limit. */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

/* After a failure (no memory, or more than `most` bytes) nothing more is added: ask `failed` once, at the end. */
typedef struct {
  char *bytes; /* NUL follows them; NULL while there are none */
  size_t size;
  size_t room;
  size_t most;
  bool failed;
} text;

void text_init(text *text, size_t most);
void text_add(text *text, const void *bytes, size_t size);
void text_byte(text *text, uint8_t byte);
void text_put(text *text, const char *string);
void text_number(text *text, int64_t number);
/* As a JSON string, quoted and escaped. */
void text_quoted(text *text, const char *string);
/* Takes `size` bytes away from the front. */
void text_drop(text *text, size_t size);
/* Frees it, and overwrites what it held: it may have been a key. */
void text_free(text *text);

/* A copy of a string, or of nothing. NULL where there was nothing, or no memory. */
char *copy_of(const char *string);
char *copy_of_bytes(const void *bytes, size_t size);
/* Frees a string, and overwrites it. */
void forget(char *string);
void forget_bytes(char *bytes, size_t size);
/* Copies as much as fits, cutting no character in half; returns whether it was all. */
bool fit(char *target, size_t room, const char *source);
/* Replaces what could mislead a reader of a log. */
void make_printable(char *string);
bool is_same(const char *one, const char *other);
/* Whether these bytes are UTF-8 (RFC 3629). */
bool is_utf8(const void *bytes, size_t size);

#endif
