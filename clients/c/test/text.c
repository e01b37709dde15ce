#include "text.h"

#include "test.h"

static void grows_up_to_its_limit(void) {
  text t;
  text_init(&t, 1000);
  for (int i = 0; i < 100; i++) text_put(&t, "0123456789");
  CHECK(!t.failed && t.size == 1000);
  text_put(&t, "x");
  CHECK(t.failed && t.size == 1000);
  text_drop(&t, 990);
  CHECK_SAME(t.bytes, "0123456789");
  text_free(&t);
}

static void quotes_what_json_needs(void) {
  text t;
  text_init(&t, 1000);
  text_quoted(&t, "a\"b\\c\nd\x01\x7f\xc3\xa9");
  CHECK_SAME(t.bytes, "\"a\\\"b\\\\c\\nd\\u0001\\u007f\xc3\xa9\"");
  text_free(&t);
}

static void fits_without_cutting_a_character(void) {
  char room[4];
  CHECK(fit(room, sizeof room, "abc") && strcmp(room, "abc") == 0);
  CHECK(!fit(room, sizeof room, "ab\xc3\xa9"));
  CHECK_SAME(room, "ab");
}

static void tells_utf8(void) {
  CHECK(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\xa9", 10));
  const char *bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                       "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff\xfe", "\xe2\x82"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!is_utf8(bad[i], strlen(bad[i])));
}

int main(void) {
  grows_up_to_its_limit();
  quotes_what_json_needs();
  fits_without_cutting_a_character();
  tells_utf8();
  return 0;
}
