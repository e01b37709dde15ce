/* As much of HTTP/1.1 as one POST over TLS needs. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "text.h"

/* Two certificates and a few names; an answer above this is not one. */
#define HTTP_MOST_BODY (64 * 1024)
#define HTTP_MOST_HEAD (16 * 1024)

typedef struct {
  char host[256];
  uint16_t port;
  char path[1024]; /* with the query */
} http_url;

/* Whether this is an https address, without user, fragment, space or control character. */
bool http_read_url(const char *url, http_url *read);

void http_write_post(text *out, const http_url *url, const char *body, size_t size);

typedef struct {
  int status;
  int64_t retry_after_s; /* -1: none, or the form with a date */
  text body;
} http_reply;

typedef enum { HTTP_MORE, HTTP_WHOLE, HTTP_BAD } http_progress;

/*
 * Reads a reply as far as it has come; `has_ended`: nothing more will. Free `body` of a whole one. A body above the limit
 * is HTTP_BAD as soon as that is seen.
 */
http_progress http_read(const char *bytes, size_t size, bool has_ended, http_reply *reply);

#endif
