/*
 * What the SDK asks of the system below it. `heliograph_default_platform` gives the one for POSIX with OpenSSL 3; another
 * system (ESP-IDF with mbedTLS, say) fills in the structure by itself, or replaces parts of the default one.
 *
 * Where a hook can fail, it writes a short sentence without secrets into `why`, which has `HELIOGRAPH_WHY` bytes.
 */
#ifndef HELIOGRAPH_PLATFORM_H
#define HELIOGRAPH_PLATFORM_H

#include "heliograph/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HELIOGRAPH_WHY 200

/* Bytes that a key, a request or a certificate of this device takes at most, as PEM with its NUL. */
#define HELIOGRAPH_PEM 16384

enum { HELIOGRAPH_READABLE = 1, HELIOGRAPH_WRITABLE = 2 };

/* Where to connect. */
typedef struct {
  const char *host;        /* a name or an address; it is what the server's certificate must name, and the SNI */
  uint16_t port;
  const char *ca;          /* PEM, one or more: trusted and nothing else; NULL: the system's CAs */
  const char *certificate; /* PEM; NULL: no client certificate */
  const char *private_key; /* PEM; NULL where `certificate` is */
  const char *alpn;        /* the protocol to offer, or NULL */
} heliograph_endpoint;

/* What a stream waits for. */
typedef struct {
  int descriptor; /* -1: nothing to wait for */
  int events;     /* HELIOGRAPH_READABLE, HELIOGRAPH_WRITABLE or both */
  int64_t most_ms; /* it is to be called again after so long; below 0: only when something happens */
} heliograph_watch;

typedef enum { HELIOGRAPH_DIALING, HELIOGRAPH_READY, HELIOGRAPH_BROKEN } heliograph_stream_state;

/* Given to every hook that has no state of its own. */
typedef struct heliograph_platform {
  void *context;

  /* Milliseconds since 1970; it may be wrong and may jump. */
  int64_t (*now_ms)(void *context);
  /* Milliseconds that only grow. */
  int64_t (*monotonic_ms)(void *context);
  /* 32 random bits, for the jitter of waits. Keys do not come from here. */
  uint32_t (*random)(void *context);

  /*
   * Files by name, which their owner alone can read. `read`: 1 and bytes from malloc; 0 if there is no such file; -1 if
   * it cannot be read or has more than `most` bytes. `replace`: after a crash there is the old or the new content, and
   * the new one is durable on return. `append`: all or nothing.
   */
  struct {
    void *(*open)(void *context, const char *directory, char *why);
    int (*read)(void *storage, const char *name, size_t most, char **bytes, size_t *size, char *why);
    bool (*replace)(void *storage, const char *name, const char *bytes, size_t size, char *why);
    bool (*append)(void *storage, const char *name, const char *bytes, size_t size, char *why);
    /* The name as a person knows it, for messages. */
    const char *(*path)(void *storage, const char *name, char *buffer, size_t size);
    void (*close)(void *storage);
  } storage;

  /* Keys and certificates, PEM. What comes in may be anything. */
  struct {
    /* A new P-256 key, PKCS#8. */
    bool (*make_key)(void *context, char *pem, size_t size);
    /* A certificate request (PKCS#10) with the subject CN=device, signed with SHA-256. */
    bool (*make_request)(void *context, const char *private_key, char *pem, size_t size);
    bool (*is_certificate)(void *context, const char *pem);
    /* Whether this is a certificate for this private key. */
    bool (*belong_together)(void *context, const char *private_key, const char *certificate);
    bool (*common_name)(void *context, const char *certificate, char *name, size_t size);
    /* Seconds since 1970. */
    bool (*validity)(void *context, const char *certificate, int64_t *from, int64_t *to);
  } keys;

  /*
   * TLS 1.2 or 1.3 with SNI, which checks the certificate and the host name of the server. Only `dial` may block, for as
   * long as it takes to resolve a name. `read` and `write`: bytes moved; 0: not now; -1: ended, with `why`.
   */
  struct {
    void *(*dial)(void *context, const heliograph_endpoint *endpoint, char *why);
    heliograph_stream_state (*advance)(void *stream, char *why);
    long (*read)(void *stream, void *bytes, size_t size, char *why);
    long (*write)(void *stream, const void *bytes, size_t size, char *why);
    heliograph_watch (*watch)(void *stream);
    void (*close)(void *stream);
  } tls;

  /*
   * Waits for streams, and for `wake`, which may be called from any thread, with `lock` held or not: it must not lock. `lock`
   * guards what threads share. `close` may follow as soon as another thread's `unlock` has let go of the lock, as
   * pthread_mutex_destroy may.
   */
  struct {
    void *(*open)(void *context, char *why);
    /* `most_ms` below 0: as long as it takes. May end early. */
    void (*wait)(void *loop, const heliograph_watch *watches, size_t count, int64_t most_ms);
    void (*wake)(void *loop);
    void (*lock)(void *loop);
    void (*unlock)(void *loop);
    void (*close)(void *loop);
  } loop;
} heliograph_platform;

/* POSIX and OpenSSL 3. */
HELIOGRAPH_API void heliograph_default_platform(heliograph_platform *platform);

#ifdef __cplusplus
}
#endif
#endif
