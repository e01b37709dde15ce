/* RFC 9112 and RFC 9110. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}

/* Digits alone, up to `most`; -1 otherwise. */
static int64_t read_number(const char *digits, size_t size, int64_t most) {
  int64_t number = 0;
  if (size == 0) return -1;
  for (size_t i = 0; i < size; i++) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    number = number * 10 + (digits[i] - '0');
    if (number > most) return -1;
  }
  return number;
}

/* The host at the front; returns what follows it, or NULL. */
static const char *read_host(const char *at, http_url *read) {
  bool is_bracketed = *at == '[';
  if (is_bracketed) at++;
  size_t size = 0;
  while (is_host_character(at[size]) || (is_bracketed && at[size] == ':')) size++;
  if (size == 0 || size >= sizeof read->host) return NULL;
  memcpy(read->host, at, size);
  read->host[size] = '\0';
  at += size;
  if (!is_bracketed) return at;
  return *at == ']' ? at + 1 : NULL;
}

bool http_read_url(const char *url, http_url *read) {
  if (!url || strncasecmp(url, "https://", 8) != 0) return false;
  const char *at = read_host(url + 8, read);
  if (!at) return false;
  read->port = 443;
  if (*at == ':') {
    size_t size = strspn(++at, "0123456789");
    int64_t port = read_number(at, size, 65535);
    if (port < 1) return false;
    read->port = (uint16_t)port;
    at += size;
  }
  for (const char *c = at; *c; c++)
    if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#') return false;
  if (*at != '\0' && *at != '/' && *at != '?') return false;
  int size = snprintf(read->path, sizeof read->path, "%s%s", *at == '/' ? "" : "/", at);
  return size > 0 && (size_t)size < sizeof read->path;
}

void http_write_post(text *out, const http_url *url, const char *body, size_t size) {
  bool is_address = strchr(url->host, ':') != NULL;
  text_put(out, "POST ");
  text_put(out, url->path);
  text_put(out, is_address ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
  text_put(out, url->host);
  text_put(out, is_address ? "]" : "");
  if (url->port != 443) {
    text_put(out, ":");
    text_number(out, url->port);
  }
  text_put(out, "\r\nContent-Type: application/json\r\nAccept: application/json\r\nConnection: close\r\nContent-Length: ");
  text_number(out, (int64_t)size);
  text_put(out, "\r\n\r\n");
  text_add(out, body, size);
}

/* The header lines of a reply. */
typedef struct head {
  int status;
  int64_t length;      /* -1: not said */
  int64_t retry_after; /* -1: not said */
  bool is_chunked;
} head;

static const char *line_end(const char *at, const char *end) {
  for (; end - at >= 2; at++)
    if (at[0] == '\r' && at[1] == '\n') return at;
  return NULL;
}

static bool read_status(const char *at, const char *end, head *head) {
  bool is_reply = end - at >= 12 && memcmp(at, "HTTP/1.", 7) == 0 && at[8] == ' ' && (end - at == 12 || at[12] == ' ');
  head->status = is_reply ? (int)read_number(at + 9, 3, 999) : -1;
  return head->status >= 100;
}

static bool is_named(const char *at, size_t size, const char *name) {
  return size == strlen(name) && strncasecmp(at, name, size) == 0;
}

static bool read_field(const char *at, const char *end, head *head) {
  const char *colon = memchr(at, ':', (size_t)(end - at));
  if (!colon) return false;
  size_t name = (size_t)(colon - at);
  const char *value = colon + 1;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
  size_t size = (size_t)(end - value);
  if (is_named(at, name, "content-length")) {
    int64_t length = read_number(value, size, INT64_C(1) << 50);
    if (length < 0 || (head->length >= 0 && head->length != length)) return false;
    head->length = length;
  } else if (is_named(at, name, "transfer-encoding")) {
    head->is_chunked = is_named(value, size, "chunked");
    return head->is_chunked;
  } else if (is_named(at, name, "retry-after")) {
    head->retry_after = size <= 9 ? read_number(value, size, 999999999) : -1;
  }
  return true;
}

/* Reads up to the empty line; sets `after` to what follows it. */
static http_progress read_head(const char *at, const char *end, head *head, const char **after) {
  *head = (struct head){0, -1, -1, false};
  const char *start = at;
  for (bool is_first = true;; is_first = false) {
    const char *eol = line_end(at, end);
    if (!eol) return end - start > HTTP_MOST_HEAD ? HTTP_BAD : HTTP_MORE;
    if (eol - start > HTTP_MOST_HEAD) return HTTP_BAD;
    bool is_good = is_first ? read_status(at, eol, head) : eol == at || read_field(at, eol, head);
    if (!is_good) return HTTP_BAD;
    *after = eol + 2;
    if (eol == at) return HTTP_WHOLE;
    at = eol + 2;
  }
}

/* The size of a chunk, without its extensions; -1 if it is none. */
static int64_t read_chunk_size(const char *at, const char *end) {
  int64_t size = 0;
  const char *start = at;
  for (; at < end && *at != ';' && *at != ' ' && *at != '\t'; at++) {
    const char *digits = "0123456789abcdef";
    const char *digit = *at ? strchr(digits, *at >= 'A' && *at <= 'F' ? *at + 32 : *at) : NULL;
    if (!digit) return -1;
    size = size * 16 + (digit - digits);
    if (size > HTTP_MOST_BODY) return -1;
  }
  return at > start ? size : -1;
}

static http_progress read_chunks(const char *at, const char *end, text *body) {
  for (;;) {
    const char *eol = line_end(at, end);
    if (!eol) return end - at > HTTP_MOST_HEAD ? HTTP_BAD : HTTP_MORE;
    int64_t size = read_chunk_size(at, eol);
    if (size < 0) return HTTP_BAD;
    if (size == 0) return HTTP_WHOLE; /* trailers say nothing that matters */
    at = eol + 2;
    size_t there = (size_t)(end - at);
    if (body->size + (size_t)size > HTTP_MOST_BODY) return HTTP_BAD;
    if (there < (size_t)size + 2) return HTTP_MORE;
    text_add(body, at, (size_t)size);
    at += size;
    if (at[0] != '\r' || at[1] != '\n') return HTTP_BAD;
    at += 2;
  }
}

static http_progress read_plain(const char *at, const char *end, bool has_ended, int64_t length, text *body) {
  size_t there = (size_t)(end - at);
  if (length > HTTP_MOST_BODY || (length < 0 && there > HTTP_MOST_BODY)) return HTTP_BAD;
  if (length < 0 ? !has_ended : there < (size_t)length) return HTTP_MORE;
  text_add(body, at, length < 0 ? there : (size_t)length);
  return HTTP_WHOLE;
}

http_progress http_read(const char *bytes, size_t size, bool has_ended, http_reply *reply) {
  const char *at = size > 0 ? bytes : "", *end = at + size;
  head head;
  http_progress progress;
  text_init(&reply->body, HTTP_MOST_BODY);
  do { /* 100 Continue and the like come before the reply */
    progress = read_head(at, end, &head, &at);
  } while (progress == HTTP_WHOLE && head.status < 200);
  if (progress == HTTP_WHOLE)
    progress = head.is_chunked ? read_chunks(at, end, &reply->body)
                               : read_plain(at, end, has_ended, head.length, &reply->body);
  if (progress == HTTP_WHOLE && !reply->body.failed) {
    reply->status = head.status;
    reply->retry_after_s = head.retry_after;
    return HTTP_WHOLE;
  }
  text_free(&reply->body);
  return progress == HTTP_MORE && !has_ended ? HTTP_MORE : HTTP_BAD;
}
