/* TLS over a socket that does not block. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../posix/posix.h"
#include "pem.h"

/* How long one address may take where there is another one to try. */
enum { ADDRESS_LIMIT_S = 5 };
/* Of the server. */
enum { MOST_CHAIN = 64 * 1024 };

typedef struct {
  struct addrinfo *addresses;
  struct addrinfo *next; /* to be tried */
  time_t tried_at;
  int descriptor;
  bool is_connected;
  bool wants_write;
  BIO_METHOD *method;
  SSL_CTX *context;
  SSL *ssl;
} stream;

/* ── the socket, below TLS: a peer that has gone must not end the process by SIGPIPE ── */

static int descriptor_of(BIO *bio) { return ((stream *)BIO_get_data(bio))->descriptor; }

static int moved(BIO *bio, ssize_t count, int retry) {
  BIO_clear_retry_flags(bio);
  bool is_later = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  if (is_later) BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
  return moved(bio, send(descriptor_of(bio), bytes, (size_t)size, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static int bio_read(BIO *bio, char *bytes, int size) {
  return moved(bio, recv(descriptor_of(bio), bytes, (size_t)size, 0), BIO_FLAGS_READ);
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *make_bio(stream *stream) {
  stream->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "heliograph socket");
  if (!stream->method) return NULL;
  BIO_meth_set_write(stream->method, bio_write);
  BIO_meth_set_read(stream->method, bio_read);
  BIO_meth_set_ctrl(stream->method, bio_control);
  BIO *bio = BIO_new(stream->method);
  if (!bio) return NULL;
  BIO_set_data(bio, stream);
  BIO_set_init(bio, 1);
  return bio;
}

/* ── what is trusted, and who the device is ── */

static bool fail(char *why, const char *what) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  snprintf(why, HELIOGRAPH_WHY, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
  ERR_clear_error();
  return false;
}

static bool trust(SSL_CTX *context, const char *ca, char *why) {
  if (!ca) return SSL_CTX_set_default_verify_paths(context) == 1 || fail(why, "the system's CAs cannot be read");
  BIO *reader = BIO_new_mem_buf(ca, (int)strlen(ca));
  X509_STORE *store = SSL_CTX_get_cert_store(context);
  X509 *each;
  int count = 0;
  while (reader && (each = PEM_read_bio_X509(reader, NULL, pem_no_password, NULL)) != NULL) {
    if (X509_STORE_add_cert(store, each) == 1) count++;
    X509_free(each);
  }
  BIO_free(reader);
  ERR_clear_error();
  return count > 0 || fail(why, "the CA is no certificate");
}

static bool show(SSL_CTX *context, const heliograph_endpoint *endpoint, char *why) {
  if (!endpoint->certificate) return true;
  X509 *certificate = pem_read_certificate(endpoint->certificate);
  EVP_PKEY *key = pem_read_key(endpoint->private_key);
  bool is_used = certificate && key && SSL_CTX_use_certificate(context, certificate) == 1 &&
                 SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  return is_used || fail(why, "the device's certificate cannot be used");
}

static SSL_CTX *make_context(const heliograph_endpoint *endpoint, char *why) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context) {
    fail(why, "no TLS");
    return NULL;
  }
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, MOST_CHAIN);
  if (trust(context, endpoint->ca, why) && show(context, endpoint, why)) return context;
  SSL_CTX_free(context);
  return NULL;
}

static bool is_address(const char *host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* The name that the certificate must be for; an address has no SNI (RFC 6066, section 3). */
static bool name_host(SSL *ssl, const char *host) {
  X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1;
  return X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool offer(SSL *ssl, const char *alpn) {
  unsigned char list[256];
  size_t size = alpn ? strlen(alpn) : 0;
  if (size == 0) return true;
  if (size > 255) return false;
  list[0] = (unsigned char)size;
  memcpy(list + 1, alpn, size);
  return SSL_set_alpn_protos(ssl, list, (unsigned)size + 1) == 0;
}

static bool prepare(stream *stream, const heliograph_endpoint *endpoint, char *why) {
  stream->context = make_context(endpoint, why);
  if (!stream->context) return false;
  stream->ssl = SSL_new(stream->context);
  BIO *bio = stream->ssl ? make_bio(stream) : NULL;
  if (!bio) return fail(why, "no TLS");
  SSL_set_bio(stream->ssl, bio, bio);
  SSL_set_connect_state(stream->ssl);
  return (name_host(stream->ssl, endpoint->host) && offer(stream->ssl, endpoint->alpn)) ||
         fail(why, "the host name cannot be one");
}

/* ── dialing ── */

static time_t seconds_now(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

static bool begin(stream *stream, const struct addrinfo *address) {
  int on = 1;
  stream->descriptor = socket(address->ai_family, SOCK_STREAM, 0);
  if (stream->descriptor < 0) return false;
  int flags = fcntl(stream->descriptor, F_GETFL);
  fcntl(stream->descriptor, F_SETFL, flags | O_NONBLOCK);
  fcntl(stream->descriptor, F_SETFD, FD_CLOEXEC);
  setsockopt(stream->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect(stream->descriptor, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS;
}

/* Tries the next address; false if there is none. */
static bool try_next(stream *stream, char *why) {
  while (stream->next) {
    const struct addrinfo *address = stream->next;
    stream->next = address->ai_next;
    if (stream->descriptor >= 0) close(stream->descriptor);
    stream->tried_at = seconds_now();
    if (begin(stream, address)) return true;
    snprintf(why, HELIOGRAPH_WHY, "%s", strerror(errno));
  }
  return false;
}

static bool resolve(stream *stream, const heliograph_endpoint *endpoint, char *why) {
  char port[8];
  struct addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  snprintf(port, sizeof port, "%u", endpoint->port);
  int failed = getaddrinfo(endpoint->host, port, &hints, &stream->addresses);
  if (failed) snprintf(why, HELIOGRAPH_WHY, "the host name cannot be resolved: %s", gai_strerror(failed));
  stream->next = stream->addresses;
  return failed == 0;
}

static void close_stream(void *context) {
  stream *stream = context;
  SSL_free(stream->ssl);
  SSL_CTX_free(stream->context);
  if (stream->method) BIO_meth_free(stream->method);
  if (stream->descriptor >= 0) close(stream->descriptor);
  if (stream->addresses) freeaddrinfo(stream->addresses);
  free(stream);
}

static void *dial(void *context, const heliograph_endpoint *endpoint, char *why) {
  (void)context;
  stream *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->descriptor = -1;
  made->wants_write = true;
  if (prepare(made, endpoint, why) && resolve(made, endpoint, why) && try_next(made, why)) return made;
  close_stream(made);
  return NULL;
}

static heliograph_stream_state next_address(stream *stream, int cause, char *why) {
  snprintf(why, HELIOGRAPH_WHY, "%s", strerror(cause));
  return try_next(stream, why) ? HELIOGRAPH_DIALING : HELIOGRAPH_BROKEN;
}

/* Whether the socket is connected by now. */
static heliograph_stream_state check_socket(stream *stream, char *why) {
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  int cause = 0;
  socklen_t cause_size = sizeof cause;
  getsockopt(stream->descriptor, SOL_SOCKET, SO_ERROR, &cause, &cause_size);
  if (cause) return next_address(stream, cause, why);
  if (getpeername(stream->descriptor, (struct sockaddr *)&peer, &size) == 0) return HELIOGRAPH_READY;
  bool is_late = stream->next && seconds_now() - stream->tried_at >= ADDRESS_LIMIT_S;
  return is_late ? next_address(stream, ETIMEDOUT, why) : HELIOGRAPH_DIALING;
}

static void explain_end(stream *stream, int result, char *why) {
  long verified = SSL_get_verify_result(stream->ssl);
  unsigned long code = ERR_peek_last_error();
  const char *reason = ERR_reason_error_string(code);
  if (verified != X509_V_OK)
    snprintf(why, HELIOGRAPH_WHY, "the server's certificate is not trusted: %s", X509_verify_cert_error_string(verified));
  else if (result == SSL_ERROR_ZERO_RETURN || !reason)
    snprintf(why, HELIOGRAPH_WHY, "the connection was closed");
  else
    snprintf(why, HELIOGRAPH_WHY, "TLS failed: %s", reason);
  ERR_clear_error();
}

/* 0: later; -1: it has ended. */
static int after(stream *stream, int returned, char *why) {
  int result = SSL_get_error(stream->ssl, returned);
  stream->wants_write = result == SSL_ERROR_WANT_WRITE;
  if (result == SSL_ERROR_WANT_READ || result == SSL_ERROR_WANT_WRITE) return 0;
  explain_end(stream, result, why);
  return -1;
}

static heliograph_stream_state advance(void *context, char *why) {
  stream *stream = context;
  if (!stream->is_connected) {
    heliograph_stream_state state = check_socket(stream, why);
    if (state != HELIOGRAPH_READY) return state;
    stream->is_connected = true;
  }
  ERR_clear_error();
  int returned = SSL_do_handshake(stream->ssl);
  if (returned == 1) {
    stream->wants_write = false;
    return HELIOGRAPH_READY;
  }
  return after(stream, returned, why) == 0 ? HELIOGRAPH_DIALING : HELIOGRAPH_BROKEN;
}

static int limited(size_t size) { return size < 65536 ? (int)size : 65536; }

static long read_stream(void *context, void *bytes, size_t size, char *why) {
  stream *stream = context;
  bool wanted_write = stream->wants_write;
  ERR_clear_error();
  int got = SSL_read(stream->ssl, bytes, limited(size));
  if (got > 0) return got;
  int state = after(stream, got, why);
  stream->wants_write = stream->wants_write || wanted_write;
  return state;
}

static long write_stream(void *context, const void *bytes, size_t size, char *why) {
  stream *stream = context;
  ERR_clear_error();
  int sent = SSL_write(stream->ssl, bytes, limited(size));
  stream->wants_write = false;
  return sent > 0 ? sent : after(stream, sent, why);
}

static heliograph_watch watch(void *context) {
  stream *stream = context;
  bool is_busy = !stream->is_connected || stream->wants_write;
  int events = stream->is_connected ? HELIOGRAPH_READABLE : 0;
  bool has_another = !stream->is_connected && stream->next;
  return (heliograph_watch){stream->descriptor, events | (is_busy ? HELIOGRAPH_WRITABLE : 0),
                            has_another ? ADDRESS_LIMIT_S * 1000 : -1};
}

void openssl_tls(heliograph_platform *platform) {
  platform->tls.dial = dial;
  platform->tls.advance = advance;
  platform->tls.read = read_stream;
  platform->tls.write = write_stream;
  platform->tls.watch = watch;
  platform->tls.close = close_stream;
}
