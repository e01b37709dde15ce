#include "http.h"

#include "test.h"

static void reads_urls(void) {
  http_url url;
  CHECK(http_read_url("https://example.com", &url) && url.port == 443);
  CHECK_SAME(url.path, "/");
  CHECK(http_read_url("HTTPS://[::1]:8443/a/b?c=d", &url) && url.port == 8443);
  CHECK_SAME(url.host, "::1");
  CHECK_SAME(url.path, "/a/b?c=d");
  CHECK(http_read_url("https://h?x", &url));
  CHECK_SAME(url.path, "/?x");
  const char *bad[] = {"http://example.com/", "https://", "https://user@h/", "https://h:0/", "https://h:65536/", "https://h:/",
                       "https://h/a b", "https://h/\r\nX: y", "https://h/#f", "https://h\\x", "https://[::1", "ftp://h", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!http_read_url(bad[i], &url));
}

static void writes_a_post(void) {
  text out;
  http_url url;
  CHECK(http_read_url("https://h:8443/a", &url));
  text_init(&out, 1000);
  http_write_post(&out, &url, "{}", 2);
  CHECK_SAME(out.bytes,
             "POST /a HTTP/1.1\r\nHost: h:8443\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
             "Connection: close\r\nContent-Length: 2\r\n\r\n{}");
  text_free(&out);
}

/* Reads it byte by byte: it is whole at its last byte and not before. */
static void check_reply(const char *bytes, bool ends, int status, const char *body, int64_t retry_after) {
  http_reply reply;
  size_t size = strlen(bytes);
  for (size_t part = 0; part < size; part++) CHECK(http_read(bytes, part, false, &reply) == HTTP_MORE);
  if (ends) CHECK(http_read(bytes, size, false, &reply) == HTTP_MORE);
  CHECK(http_read(bytes, size, ends, &reply) == HTTP_WHOLE);
  CHECK(reply.status == status && reply.retry_after_s == retry_after);
  CHECK_SAME(reply.body.bytes, body);
  text_free(&reply.body);
}

static void reads_replies(void) {
  check_reply("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", false, 201, "{}", -1);
  check_reply("HTTP/1.1 429\r\nretry-after:  7 \r\ncontent-length: 1\r\n\r\nx", false, 429, "x", 7);
  check_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nRetry-After: Wed, 21 Oct\r\nContent-Length: 1\r\n\r\nx", false, 200,
              "x", -1);
  check_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n", false, 200,
              "abc0123456789", -1);
  check_reply("HTTP/1.0 200 OK\r\n\r\nuntil the end", true, 200, "until the end", -1);
}

static void refuses(void) {
  http_reply reply;
  const char *bad[] = {"HTTP/2 200 OK\r\n\r\n", "SMTP\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                       "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(http_read(bad[i], strlen(bad[i]), false, &reply) == HTTP_BAD);
  CHECK(http_read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", 40, true, &reply) == HTTP_BAD);
  CHECK(http_read(NULL, 0, true, &reply) == HTTP_BAD);
  char *endless = malloc(HTTP_MOST_HEAD + 100);
  memset(endless, 'a', HTTP_MOST_HEAD + 100);
  CHECK(http_read(endless, HTTP_MOST_HEAD + 100, false, &reply) == HTTP_BAD);
  free(endless);
}

int main(void) {
  reads_urls();
  writes_a_post();
  reads_replies();
  refuses();
  return 0;
}
