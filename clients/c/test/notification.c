#include "notification.h"

#include "test.h"

static notification *read_text(const char *message) { return notification_read(message, strlen(message), NULL, false); }

#define HEAD "\"id\":\"i\",\"topic\":\"t\",\"acceptedAt\":5"

static void reads_all_fields(void) {
  notification *n = read_text("{" HEAD ",\"uniqueId\":\"u\",\"seq\":\"01\",\"stored\":true,\"expiration\":7,\"priority\":5,"
                              "\"pushType\":\"background\",\"collapseId\":\"c\",\"pending\":\"perCollapseId\",\"payload\":{ }}");
  CHECK(n && n->shown.accepted_at == 5 && n->shown.stored && n->shown.expiration == 7 && n->shown.priority == 5);
  CHECK_SAME(n->shown.id, "i");
  CHECK_SAME(n->shown.topic, "t");
  CHECK_SAME(n->shown.unique_id, "u");
  CHECK_SAME(n->shown.seq, "01");
  CHECK_SAME(n->shown.push_type, "background");
  CHECK_SAME(n->shown.collapse_id, "c");
  CHECK_SAME(n->shown.pending, "perCollapseId");
  CHECK_SAME(n->shown.payload, "{ }");
  CHECK(!n->shown.channel && n->shown.payload_size == 3);
  free(n);
}

static void has_defaults(void) {
  notification *n = read_text("{" HEAD ",\"channel\":\"x\",\"pending\":\"newer\",\"payload\":{}}");
  CHECK(n && !n->shown.stored && n->shown.priority == 10 && n->shown.expiration == 0);
  CHECK(!n->shown.seq && !n->shown.collapse_id && !n->shown.unique_id && !n->shown.pending && !n->shown.channel);
  CHECK_SAME(n->shown.push_type, "alert");
  free(n);
}

/* A later service may add fields of any kind. */
static void ignores_unknown_fields(void) {
  const char *fields[] = {"\"\\u0000\"", "\"\\ud800\"", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                          "1234567890123456789012345678901234567890123456789012345678901234567890"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    char message[400];
    snprintf(message, sizeof message, "{\"new\":%s," HEAD ",\"newer\":%s,\"payload\":{\"a\":%s}}", fields[i], fields[i], fields[i]);
    notification *n = read_text(message);
    CHECK(n && n->shown.payload_size == strlen(fields[i]) + 6 && strncmp(n->shown.payload + 5, fields[i], strlen(fields[i])) == 0);
    free(n);
  }
}

static void refuses_what_is_none(void) {
  const char *bad[] = {"{" HEAD "}",
                       "{\"id\":\"\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}",
                       "{\"id\":\"\\u0000\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}",
                       "{\"id\":5,\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}",
                       "{\"id\":\"i\",\"topic\":[],\"acceptedAt\":5,\"payload\":{}}",
                       "{\"id\":\"i\",\"topic\":\"t\",\"acceptedAt\":\"5\",\"payload\":{}}",
                       "[]"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!read_text(bad[i]));
  char longer[600];
  snprintf(longer, sizeof longer, "{\"id\":\"%0200d\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}", 1);
  CHECK(!read_text(longer));
}

static void reads_a_channels(void) {
  const char *id = "ABCDEFGHIJKLMNOPQRSTUVW0", *other = "ABCDEFGHIJKLMNOPQRSTUVW1";
  const char *message = "{" HEAD ",\"channel\":\"ABCDEFGHIJKLMNOPQRSTUVW0\",\"stored\":false,\"payload\":{}}";
  notification *n = notification_read(message, strlen(message), id, true);
  CHECK(n && n->shown.stored);
  CHECK_SAME(n->shown.channel, id);
  free(n);
  CHECK(!notification_read(message, strlen(message), other, true));
  const char *none = "{" HEAD ",\"payload\":{}}";
  CHECK(!notification_read(none, strlen(none), id, true));
}

static void tells_channel_ids(void) {
  CHECK(is_channel_id("ABCDEFGHIJKLMNOPQRSTUVW0") && is_channel_id("abcdefghijklmnopqrstuvwx"));
  const char *bad[] = {"", "ABCDEFGHIJKLMNOPQRSTUVW", "ABCDEFGHIJKLMNOPQRSTUVWXY", "ABCDEFGHIJKLMNOPQRSTUVW+",
                       "ABCDEFGHIJKLMNOPQRSTUVW\n", "ABCDEFGHIJKLMNOPQRSTUV/0"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!is_channel_id(bad[i]));
}

int main(void) {
  reads_all_fields();
  has_defaults();
  ignores_unknown_fields();
  refuses_what_is_none();
  reads_a_channels();
  tells_channel_ids();
  return 0;
}
