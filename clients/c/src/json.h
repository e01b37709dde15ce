/* JSON from the network and from disk, which may be anything. */
#ifndef JSON_H
#define JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

typedef struct {
  const char *start;
  size_t size;
} span;

typedef enum { JSON_READ, JSON_BAD, JSON_NO_MEMORY } json_result;

/*
 * Reads the object in a text. JSON_BAD: it is not one, or not JSON, or not UTF-8, or more than 8,000 levels deep. Strings with
 * NUL or half a character, numbers of more than 60 characters, and what is nested more than 32 deep are null in the object:
 * nobody reads them, or they are as good as missing. If `raw` names a member, its value may be anything, is null in the object
 * as well, and `value` shows where it stands in the text (size 0 if there is no such member); named twice, it is no object.
 */
json_result json_read(const char *bytes, size_t size, const char *raw, span *value, cJSON **object);

/* The same, or NULL where it could not be read. */
cJSON *json_object(const char *bytes, size_t size, const char *raw, span *value);

/* NULL where there is no such string. */
const char *json_text(const cJSON *object, const char *name);
/* NULL where it is missing, empty, or longer than `most` bytes. */
const char *json_name(const cJSON *object, const char *name, size_t most);
const cJSON *json_object_at(const cJSON *object, const char *name);
/* NULL where it is not a list. */
const cJSON *json_list(const cJSON *object, const char *name);
bool json_is_number(const cJSON *object, const char *name);
/* A number without its fraction, within 2^53; `otherwise` where there is none. */
int64_t json_whole(const cJSON *object, const char *name, int64_t otherwise);
bool json_is_true(const cJSON *object, const char *name);

#endif
