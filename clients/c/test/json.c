#include "json.h"

#include "test.h"
#include "text.h"

static bool is_object(const char *json) {
  cJSON *object = json_object(json, strlen(json), NULL, NULL);
  cJSON_Delete(object);
  return object != NULL;
}

static void takes_objects_alone(void) {
  const char *good[] = {"{}", " {\"a\" : [1, -0.5e+3, true, false, null, {\"b\":\"\\u00e9\\n\"}]}\n", "{\"a\":1,\"a\":2}"};
  const char *bad[] = {"",          "[]",           "1",           "null",       "{",          "{\"a\"}",       "{\"a\":}",
                       "{\"a\":1,}", "{a:1}",        "{\"a\":01}",  "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}",   "{\"a\":1e}",
                       "{\"a\":\"\t\"}", "{\"a\":\"\\x\"}", "{} {}",       "{\"a\":tru}", "{\"a\":[1,]}", "{\"a\":[1}]}", "{\"a\":\"\xff\"}",
                       "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\\"}", "{\"a\":nulll}"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) CHECK(is_object(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!is_object(bad[i]));
}

static cJSON *cut(const char *json, span *value) { return json_object(json, strlen(json), "payload", value); }

static void cuts_out_a_member_byte_for_byte(void) {
  span value;
  const char *json = "{\"c\":\"x,\\\"payload\\\":1\",\"payload\": { \"a\":9007199254740993, \"n\":\"\\u0000\" } ,\"d\":{\"payload\":2}}";
  cJSON *object = cut(json, &value);
  CHECK(object && value.size == strlen("{ \"a\":9007199254740993, \"n\":\"\\u0000\" }"));
  CHECK(memcmp(value.start, "{ \"a\":9007199254740993", 22) == 0);
  CHECK_SAME(json_text(object, "c"), "x,\"payload\":1");
  CHECK(cJSON_IsNull(cJSON_GetObjectItem(object, "payload")));
  cJSON_Delete(object);
  CHECK(!cut("{\"payload\":1,\"payload\":2}", &value));
  CHECK(!cut("{\"payload\":}", &value));
}

static void nests_where_it_may(void) {
  text deep;
  span value;
  text_init(&deep, 100000);
  text_put(&deep, "{\"payload\":");
  for (int i = 0; i < 5000; i++) text_put(&deep, "[");
  for (int i = 0; i < 5000; i++) text_put(&deep, "]");
  text_put(&deep, "}");
  cJSON *object = json_object(deep.bytes, deep.size, "payload", &value);
  CHECK(object && value.size == 10000);
  cJSON_Delete(object);
  object = json_object(deep.bytes, deep.size, NULL, NULL);
  for (const cJSON *at = cJSON_GetObjectItem(object, "payload"); at; at = at->child) CHECK(cJSON_IsArray(at) || cJSON_IsNull(at));
  cJSON_Delete(object);
  text_free(&deep);
}

/* What cannot be kept is none of anybody's business, wherever it stands; what is beside it is read. */
static void skips_what_cannot_be_kept(void) {
  char number[201];
  memset(number, '7', 200);
  number[200] = '\0';
  const char *values[] = {"\"\\u0000\"", "\"x\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud83d\\ud83d\"", number,
                          "[1,\"\\u0000\",{\"b\\u0000\":{\"\\ud800\":1}}]"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    char json[600];
    snprintf(json, sizeof json, "{\"x\":[%s, {\"y\": %s}],\"a\\u0000\":1,\"a\":\"\\ud83d\\ude00\"}", values[i], values[i]);
    cJSON *object = json_object(json, strlen(json), NULL, NULL);
    CHECK(object && cJSON_GetArraySize(cJSON_GetObjectItem(object, "x")) == 2);
    CHECK_SAME(json_text(object, "a"), "\xf0\x9f\x98\x80");
    cJSON_Delete(object);
  }
  char json[600];
  snprintf(json, sizeof json, "{\"x\":%s,\"y\":[[[%s]]],\"a\":\"b\"}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "[]");
  cJSON *object = json_object(json, strlen(json), NULL, NULL);
  CHECK_SAME(json_text(object, "a"), "b");
  CHECK(cJSON_IsArray(cJSON_GetObjectItem(object, "x")) && cJSON_IsArray(cJSON_GetObjectItem(object, "y")));
  cJSON_Delete(object);
}

static void reads_numbers_that_are_none(void) {
  const char *json = "{\"a\":1e400,\"b\":-1e400,\"c\":12.9,\"d\":\"5\",\"e\":1795444921898}";
  cJSON *object = json_object(json, strlen(json), NULL, NULL);
  CHECK(object && json_whole(object, "a", 0) == INT64_C(9007199254740992));
  CHECK(json_whole(object, "b", 0) == -INT64_C(9007199254740992));
  CHECK(json_whole(object, "c", 0) == 12 && json_whole(object, "d", 7) == 7 && json_whole(object, "x", 8) == 8);
  CHECK(json_whole(object, "e", 0) == INT64_C(1795444921898));
  cJSON_Delete(object);
}

int main(void) {
  takes_objects_alone();
  cuts_out_a_member_byte_for_byte();
  nests_where_it_may();
  skips_what_cannot_be_kept();
  reads_numbers_that_are_none();
  return 0;
}
