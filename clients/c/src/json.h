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

/*
 * The object in a text, or NULL if it is not one: not JSON, not UTF-8, a string with NUL, or nested more than 32 deep. If
 * `raw` names a member, its value may be nested as it likes, is not in the object, and `value` shows where it stands in the
 * text (size 0 if there is no such member); named twice, it is no object.
 */
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
