/*
 * The old pair stays until a connection with the new one has been accepted; the service keeps both valid until it hears
 * that the new one is in use.
 */
#include <string.h>

#include "device.h"

enum { LOOK_EVERY_MS = 12 * 3600 * 1000, ASK_AT_MOST_EVERY_MS = 3600 * 1000 };
/* Attempts with a new certificate before one with the old: a network fault is not a refusal. */
enum { TRIES_WITH_NEXT = 3 };

typedef enum { AGE_FRESH, AGE_DUE, AGE_EXPIRED } age;

/* Renewal is due when less than a third of the validity is left. */
static age age_of(const heliograph_device *device, const char *certificate) {
  int64_t from, to, now = device->platform.now_ms(device->platform.context) / 1000;
  if (!device->platform.keys.validity(device->platform.context, certificate, &from, &to)) return AGE_FRESH;
  if (now >= to) return AGE_EXPIRED;
  return to - now < (to - from) / 3 ? AGE_DUE : AGE_FRESH;
}

bool certificate_has_expired(const heliograph_device *device, const char *certificate) {
  return age_of(device, certificate) == AGE_EXPIRED;
}

void renewal_credentials(const heliograph_device *device, const char **certificate, const char **private_key) {
  const identity *identity = &device->identity;
  bool is_next = identity->next_certificate && device->renewal.failures_with_next < TRIES_WITH_NEXT;
  *certificate = is_next ? identity->next_certificate : identity->certificate;
  *private_key = is_next ? identity->next_key : identity->private_key;
}

static bool is_next(const heliograph_device *device) {
  const identity *identity = &device->identity;
  return identity->next_certificate && is_same(identity->next_certificate, device->connection.used_certificate);
}

void renewal_on_failed(heliograph_device *device) {
  device->renewal.failures_with_next = is_next(device) ? device->renewal.failures_with_next + 1 : 0;
}

/* The key is kept before the request leaves, and used again where the answer was lost. */
static bool keep_next_key(heliograph_device *device, heliograph_error *error) {
  if (device->identity.next_key) return true;
  identity edited;
  char key[HELIOGRAPH_PEM];
  if (!identity_copy(&edited, &device->identity)) return error_no_memory(error), false;
  bool is_made = device->platform.keys.make_key(device->platform.context, key, sizeof key);
  if (is_made) edited.next_key = copy_of(key);
  memset(key, 0, sizeof key);
  if (!is_made || !edited.next_key) {
    identity_free(&edited);
    return error_no_memory(error), false;
  }
  return identity_keep(device, &edited, error);
}

static void send_request(heliograph_device *device) {
  char request[HELIOGRAPH_PEM];
  const heliograph_platform *platform = &device->platform;
  if (!platform->keys.make_request(platform->context, device->identity.next_key, request, sizeof request)) {
    device_log(device, "renewal not asked for: no request could be made");
    return;
  }
  text body;
  text_init(&body, 2 * HELIOGRAPH_PEM);
  text_put(&body, "{\"csr\":");
  text_quoted(&body, request);
  text_put(&body, "}");
  if (!body.failed && connection_send(device, REQUEST_RENEW, "", 0, body.bytes))
    device_log(device, "a new certificate has been asked for");
  text_free(&body);
}

static void ask(heliograph_device *device) {
  heliograph_error error;
  if (keep_next_key(device, &error)) send_request(device);
  else device_log(device, "renewal not asked for: %s", error.message);
}

static void look(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  renewal *renewal = &device->renewal;
  device_after(device, &renewal->look, LOOK_EVERY_MS, look, device);
  if (!device->identity.publish[REQUEST_RENEW] || age_of(device, device->identity.certificate) == AGE_FRESH) return;
  if (renewal->has_asked && device_now(device) - renewal->asked_at < ASK_AT_MOST_EVERY_MS) return;
  renewal->has_asked = true;
  renewal->asked_at = device_now(device);
  ask(device);
}

/* Which pair counts from now on. */
static void settle(heliograph_device *device) {
  bool is_in_use = is_next(device);
  identity edited;
  heliograph_error error;
  device->renewal.failures_with_next = 0;
  if (!device->identity.next_certificate) return;
  if (!identity_copy(&edited, &device->identity)) return;
  if (is_in_use) {
    forget(edited.private_key);
    forget(edited.certificate);
    edited.private_key = edited.next_key;
    edited.certificate = edited.next_certificate;
  } else {
    forget(edited.next_key);
    forget(edited.next_certificate);
  }
  edited.next_key = edited.next_certificate = NULL;
  if (!identity_keep(device, &edited, &error)) {
    device_report(device, &error);
    return;
  }
  device_log(device, "the new certificate %s", is_in_use ? "is in use" : "was refused");
  if (is_in_use) connection_send(device, REQUEST_RENEW, "", 0, "{\"inUse\":true}");
}

void renewal_on_connected(heliograph_device *device) {
  settle(device);
  look(device, NULL);
}

void renewal_on_disconnected(heliograph_device *device) { device_stop(device, &device->renewal.look); }

static bool is_for_this_device(const heliograph_device *device, const char *certificate) {
  const heliograph_platform *platform = &device->platform;
  char name[MOST_ID + 1];
  return platform->keys.belong_together(platform->context, device->identity.next_key, certificate) &&
         platform->keys.common_name(platform->context, certificate, name, sizeof name) &&
         is_same(name, device->identity.device_id);
}

bool renewal_on_certificate(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  const char *certificate = json_name(message, "certificate", MOST_PEM);
  identity edited;
  if (!device->identity.next_key || !certificate) return true;
  if (!is_for_this_device(device, certificate)) {
    heliograph_error bad;
    error_set(&bad, "BadMessage", NULL,
              "the service sent a certificate that is not for this device; the old one stays in use");
    device_report(device, &bad);
    return true;
  }
  if (!identity_copy(&edited, &device->identity)) return error_no_memory(error), false;
  forget(edited.next_certificate);
  edited.next_certificate = copy_of(certificate);
  if (!edited.next_certificate) {
    identity_free(&edited);
    return error_no_memory(error), false;
  }
  if (!identity_keep(device, &edited, error)) return false;
  device_log(device, "a new certificate has come: connecting with it");
  connection_redial(device);
  return true;
}
