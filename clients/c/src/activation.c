/*
 * A code is turned into an identity. The key is on disk before the first request, so that a repeat after a lost answer
 * carries the same key, which the service answers with the same device.
 */
#include <stdio.h>
#include <string.h>

#include "backoff.h"
#include "device.h"
#include "http.h"

enum { TRIES = 4, TIME_LIMIT_MS = 15000 };
/* How often a service that names its time is believed, and how long it may ask to wait. */
enum { LINE_TRIES = 60, LONGEST_WAIT_S = 600 };
/* Reads in one turn: an endpoint that never stops does not hold up all else. */
enum { READS_A_TURN = 32 };
enum { CREATED = 201, TOO_MANY = 429, UNAVAILABLE = 503 };

static void begin_try(void *context, timer *which);

static void end_try(heliograph_device *device) {
  activation *activation = &device->activation;
  device_stop(device, &activation->limit);
  if (activation->stream) device->platform.tls.close(activation->stream);
  activation->stream = NULL;
  activation->is_ready = false;
  text_free(&activation->out);
  text_free(&activation->in);
}

void activation_stop(heliograph_device *device) {
  activation *activation = &device->activation;
  end_try(device);
  device_stop(device, &activation->pause);
  forget(activation->body);
  activation->body = NULL;
  activation->runs = false;
}

static void end(heliograph_device *device, const heliograph_error *error) {
  activation_stop(device);
  device_on_activated(device, error);
}

static void unreachable(heliograph_device *device, const char *why) {
  heliograph_error error;
  error_set(&error, "ActivationUnreachable", NULL,
            "the activation endpoint cannot be reached (%s): check the address, the network and the CA, then try again "
            "with the same code",
            why);
  end(device, &error);
}

static void wait_for(heliograph_device *device, int64_t pause_ms) {
  device_after(device, &device->activation.pause, pause_ms, begin_try, device);
}

static void fail_try(heliograph_device *device, const char *why) {
  activation *activation = &device->activation;
  end_try(device);
  if (activation->failures == TRIES - 1) {
    unreachable(device, why);
    return;
  }
  device_log(device, "no answer to an activation: %s", why);
  wait_for(device, retry_delay(activation->failures++, device_random(device)));
}

static void on_limit(void *context, timer *which) {
  (void)which;
  fail_try(context, "no whole answer in time");
}

/* What the endpoint says is cut, and is not said where it repeats the code. */
static void refused(heliograph_device *device, int status, const cJSON *answer) {
  const char *reason = json_name(answer, "reason", 60), *detail = json_text(answer, "detail");
  char cut[201] = "no reason given";
  if (detail && !strstr(detail, device->options.activation_code)) fit(cut, sizeof cut, detail);
  heliograph_error error;
  error_set(&error, reason ? reason : "ActivationRefused", NULL, "activation was refused: %s (HTTP %d)", cut, status);
  error.status = status;
  end(device, &error);
}

static void created(heliograph_device *device, const cJSON *answer) {
  identity read = {0}, edited;
  heliograph_error error;
  if (!identity_read_answer(device, answer, device->identity.fresh_key, &read)) {
    error_set(&error, "ActivationRefused", NULL,
              "the activation endpoint answered 201 without a certificate for this device: check the activation url");
    end(device, &error);
    return;
  }
  error_no_memory(&error);
  bool is_kept = identity_copy(&edited, &read) && identity_keep(device, &edited, &error);
  end(device, is_kept ? NULL : &error);
}

/* The same request is answered again once there is memory. */
static void end_without_memory(heliograph_device *device) {
  heliograph_error error;
  error_no_memory(&error);
  end(device, &error);
}

static void conclude(heliograph_device *device, const http_reply *reply) {
  cJSON *answer;
  json_result result = json_read(reply->body.bytes, reply->body.size, NULL, NULL, &answer);
  if (result == JSON_NO_MEMORY) end_without_memory(device);
  else if (reply->status == CREATED) created(device, answer);
  else refused(device, reply->status, answer);
  cJSON_Delete(answer);
}

/* A service that says when to come again has the code in its line: those waits are no failures. */
static void on_reply(heliograph_device *device, const http_reply *reply) {
  activation *activation = &device->activation;
  bool is_busy = reply->status == TOO_MANY || reply->status >= 500;
  bool is_named = (reply->status == TOO_MANY || reply->status == UNAVAILABLE) && reply->retry_after_s >= 0;
  end_try(device);
  if (is_busy && is_named && activation->in_line < LINE_TRIES) {
    activation->in_line++;
    int64_t seconds = reply->retry_after_s < LONGEST_WAIT_S ? reply->retry_after_s : LONGEST_WAIT_S;
    wait_for(device, seconds * 1000 + retry_delay(0, device_random(device)));
  } else if (is_busy && activation->failures < TRIES - 1) {
    wait_for(device, retry_delay(activation->failures++, device_random(device)));
  } else {
    conclude(device, reply);
  }
}

static void begin_try(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  activation *activation = &device->activation;
  char why[HELIOGRAPH_WHY] = "";
  http_url url;
  http_read_url(device->options.activation_url, &url);
  text_init(&activation->out, 64 * 1024);
  text_init(&activation->in, HTTP_MOST_HEAD + 2 * HTTP_MOST_BODY);
  http_write_post(&activation->out, &url, activation->body, strlen(activation->body));
  heliograph_endpoint endpoint = {url.host, url.port, device->options.activation_ca, NULL, NULL, "http/1.1"};
  activation->stream = device->platform.tls.dial(device->platform.context, &endpoint, why);
  if (activation->stream) device_after(device, &activation->limit, TIME_LIMIT_MS, on_limit, device);
  else fail_try(device, why);
}

static bool keep_fresh_key(heliograph_device *device, heliograph_error *error) {
  if (device->identity.fresh_key) return true;
  identity edited;
  char key[HELIOGRAPH_PEM];
  error_no_memory(error);
  if (!identity_copy(&edited, &device->identity)) return false;
  bool is_made = device->platform.keys.make_key(device->platform.context, key, sizeof key);
  if (is_made) edited.fresh_key = copy_of(key);
  memset(key, 0, sizeof key);
  if (edited.fresh_key) return identity_keep(device, &edited, error);
  identity_free(&edited);
  return false;
}

static bool make_body(heliograph_device *device, heliograph_error *error) {
  char request[HELIOGRAPH_PEM];
  const heliograph_platform *platform = &device->platform;
  text body;
  text_init(&body, 60 * 1024);
  error_no_memory(error);
  if (!platform->keys.make_request(platform->context, device->identity.fresh_key, request, sizeof request)) {
    error_set(error, "StateDamaged", NULL, "no request can be made with the key that was kept: remove freshKey from "
              "identity.json");
    return false;
  }
  text_put(&body, "{\"csr\":");
  text_quoted(&body, request);
  text_put(&body, ",\"activationCode\":");
  text_quoted(&body, device->options.activation_code);
  text_put(&body, "}");
  if (!body.failed) device->activation.body = copy_of(body.bytes);
  text_free(&body);
  return device->activation.body != NULL;
}

void activation_start(heliograph_device *device) {
  activation *activation = &device->activation;
  heliograph_error error;
  http_url url;
  if (activation->runs) return;
  if (!http_read_url(device->options.activation_url, &url)) {
    unreachable(device, "the activation url must be an https address");
    return;
  }
  activation->runs = true;
  activation->failures = activation->in_line = 0;
  if (!keep_fresh_key(device, &error) || !make_body(device, &error)) end(device, &error);
  else begin_try(device, NULL);
}

/* False: the try has ended. */
static bool write_out(heliograph_device *device) {
  activation *activation = &device->activation;
  char why[HELIOGRAPH_WHY] = "";
  while (activation->out.size > 0) {
    long sent = device->platform.tls.write(activation->stream, activation->out.bytes, activation->out.size, why);
    if (sent < 0) return fail_try(device, why), false;
    if (sent == 0) break;
    text_drop(&activation->out, (size_t)sent);
  }
  return true;
}

/* As long as there is something, and it may be more; returns what the last read did. */
static long read_in(heliograph_device *device, char *why) {
  activation *activation = &device->activation;
  char bytes[4096];
  long got = 1;
  for (int reads = 0; got > 0 && reads < READS_A_TURN && !activation->in.failed; reads++) {
    got = device->platform.tls.read(activation->stream, bytes, sizeof bytes, why);
    if (got > 0) text_add(&activation->in, bytes, (size_t)got);
  }
  return got;
}

/* Looks at all that has come once a turn, not after each read: that would take the square of an answer in small pieces. */
static bool read_reply(heliograph_device *device) {
  activation *activation = &device->activation;
  char why[HELIOGRAPH_WHY] = "";
  size_t before = activation->in.size;
  long got = read_in(device, why);
  if (got == 0 && activation->in.size == before) return false;
  http_reply reply;
  http_progress progress = http_read(activation->in.bytes, activation->in.size, got < 0, &reply);
  if (progress == HTTP_WHOLE) {
    on_reply(device, &reply);
    text_free(&reply.body);
  } else if (progress == HTTP_BAD || activation->in.failed) {
    fail_try(device, got < 0 ? why : "the answer is none that can be read, or too long");
  }
  return activation->stream && got > 0;
}

static bool is_ready(heliograph_device *device) {
  activation *activation = &device->activation;
  char why[HELIOGRAPH_WHY] = "";
  if (activation->is_ready) return true;
  heliograph_stream_state state = device->platform.tls.advance(activation->stream, why);
  if (state == HELIOGRAPH_BROKEN) fail_try(device, why);
  activation->is_ready = state == HELIOGRAPH_READY;
  return activation->is_ready;
}

bool activation_turn(heliograph_device *device) {
  if (!device->activation.stream || !is_ready(device)) return false;
  return write_out(device) && read_reply(device);
}
