#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"

static const char file[] = "identity.json";
static const char remedy[] =
    "move it away and activate the device again with a new activation code (it becomes a new device)";

const char *const request_names[REQUESTS] = {"register", "connect", "unregister", "renew"};

/* Longest topic to publish to. */
enum { MOST_UPSTREAM = 1024 };

void broker_free(broker *broker) {
  free(broker->host);
  free(broker->ca);
  memset(broker, 0, sizeof *broker);
}

bool broker_copy(broker *copy, const broker *of) {
  *copy = (broker){copy_of(of->host), of->port, copy_of(of->ca)};
  if (!of->host || (copy->host && copy->ca)) return true;
  broker_free(copy);
  return false;
}

bool broker_is_same(const broker *one, const broker *other) {
  return is_same(one->host, other->host) && one->port == other->port && is_same(one->ca, other->ca);
}

bool broker_read(heliograph_device *device, const cJSON *data, broker *read) {
  const char *host = json_name(data, "host", MOST_HOST);
  const char *ca = json_name(data, "ca", MOST_CA);
  const cJSON *port = cJSON_GetObjectItemCaseSensitive(data, "port");
  bool is_port = cJSON_IsNumber(port) && port->valuedouble >= 1 && port->valuedouble <= 65535 &&
                 port->valuedouble == (double)port->valueint;
  if (!host || !ca || !is_port || !device->platform.keys.is_certificate(device->platform.context, ca)) return false;
  *read = (broker){(char *)host, (uint16_t)port->valueint, (char *)ca};
  return true;
}

static char **texts_of(identity *i, size_t index) {
  char **all[] = {&i->fresh_key,  &i->device_id,  &i->certificate, &i->private_key, &i->publish[0],      &i->publish[1],
                  &i->publish[2], &i->publish[3], &i->next_key,    &i->next_certificate};
  return index < sizeof all / sizeof *all ? all[index] : NULL;
}

void identity_free(identity *identity) {
  for (size_t i = 0; texts_of(identity, i); i++) forget(*texts_of(identity, i));
  broker_free(&identity->mqtt);
  broker_free(&identity->move);
  memset(identity, 0, sizeof *identity);
}

bool identity_copy(identity *copy, const identity *of) {
  memset(copy, 0, sizeof *copy);
  bool is_whole = broker_copy(&copy->mqtt, &of->mqtt) && broker_copy(&copy->move, &of->move);
  for (size_t i = 0; texts_of(copy, i); i++) {
    const char *given = *texts_of((identity *)of, i);
    *texts_of(copy, i) = copy_of(given);
    is_whole = is_whole && (!given || *texts_of(copy, i));
  }
  if (!is_whole) identity_free(copy);
  return is_whole;
}

static void write_text(text *out, const char *name, const char *value, bool *is_first) {
  if (!value) return;
  if (!*is_first) text_put(out, ",");
  *is_first = false;
  text_quoted(out, name);
  text_put(out, ":");
  text_quoted(out, value);
}

static void write_broker(text *out, const broker *broker) {
  bool is_first = true;
  text_put(out, "{");
  write_text(out, "host", broker->host, &is_first);
  text_put(out, ",\"port\":");
  text_number(out, broker->port);
  write_text(out, "ca", broker->ca, &is_first);
  text_put(out, "}");
}

static void write_activated(text *out, const identity *i) {
  bool is_first = true;
  text_put(out, ",\"activated\":{");
  write_text(out, "deviceId", i->device_id, &is_first);
  write_text(out, "certificate", i->certificate, &is_first);
  text_put(out, ",\"mqtt\":");
  write_broker(out, &i->mqtt);
  text_put(out, ",\"publish\":{");
  is_first = true;
  for (size_t r = 0; r < REQUESTS; r++) write_text(out, request_names[r], i->publish[r], &is_first);
  is_first = false;
  text_put(out, "}");
  write_text(out, "privateKey", i->private_key, &is_first);
  text_put(out, "}");
}

/* The same file as that of the other SDKs. */
static void write_identity(text *out, const identity *i) {
  bool is_first = false;
  text_put(out, "{\"version\":1");
  write_text(out, "freshKey", i->fresh_key, &is_first);
  if (i->device_id) write_activated(out, i);
  if (i->next_key) {
    text_put(out, ",\"next\":{");
    is_first = true;
    write_text(out, "privateKey", i->next_key, &is_first);
    write_text(out, "certificate", i->next_certificate, &is_first);
    text_put(out, "}");
  }
  if (i->move.host) {
    text_put(out, ",\"move\":");
    write_broker(out, &i->move);
  }
  text_put(out, "}\n");
}

/* The program may hold the text of the id, which seldom changes. */
static void keep_id(identity *old, identity *edited) {
  if (!old->device_id || !is_same(old->device_id, edited->device_id)) return;
  forget(edited->device_id);
  edited->device_id = old->device_id;
  old->device_id = NULL;
}

bool identity_keep(heliograph_device *device, identity *edited, heliograph_error *error) {
  text content;
  text_init(&content, 1024 * 1024);
  write_identity(&content, edited);
  if (!state_write(device, file, &content, error)) {
    identity_free(edited);
    return false;
  }
  keep_id(&device->identity, edited);
  identity_free(&device->identity);
  device->identity = *edited;
  memset(edited, 0, sizeof *edited);
  return true;
}

static bool read_publish(const cJSON *data, identity *read) {
  for (size_t r = 0; r < REQUESTS; r++) {
    const char *topic = json_name(data, request_names[r], MOST_UPSTREAM);
    if (!topic && r != REQUEST_RENEW) return false;
    read->publish[r] = (char *)topic;
  }
  return true;
}

bool identity_read_answer(heliograph_device *device, const cJSON *answer, const char *private_key, identity *read) {
  const heliograph_platform *platform = &device->platform;
  read->device_id = (char *)json_name(answer, "deviceId", MOST_ID);
  read->certificate = (char *)json_name(answer, "certificate", MOST_PEM);
  read->private_key = (char *)private_key;
  return read->device_id && read->certificate && broker_read(device, json_object_at(answer, "mqtt"), &read->mqtt) &&
         read_publish(json_object_at(answer, "publish"), read) &&
         platform->keys.belong_together(platform->context, private_key, read->certificate);
}

static bool read_next(const cJSON *data, identity *read) {
  read->next_key = (char *)json_name(data, "privateKey", MOST_PEM);
  read->next_certificate = (char *)json_name(data, "certificate", MOST_PEM);
  return read->next_key != NULL;
}

static bool has(const cJSON *data, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(data, name);
  return item && !cJSON_IsNull(item);
}

/* A view: the texts are those of `data`, so that nothing but what stands there decides whether it is damaged. */
static bool read_identity(heliograph_device *device, const cJSON *data, identity *read) {
  if (has(data, "activated")) {
    const cJSON *activated = json_object_at(data, "activated");
    const char *key = json_name(activated, "privateKey", MOST_PEM);
    if (!key || !identity_read_answer(device, activated, key, read)) return false;
  }
  if (has(data, "next") && !read_next(json_object_at(data, "next"), read)) return false;
  if (has(data, "move") && !broker_read(device, json_object_at(data, "move"), &read->move)) return false;
  read->fresh_key = (char *)json_name(data, "freshKey", MOST_PEM);
  return true;
}

bool identity_open(heliograph_device *device, heliograph_error *error) {
  cJSON *data = NULL;
  identity read = {0};
  int found = state_read(device, file, remedy, &data, error);
  if (found <= 0) return found == 0;
  bool is_good = read_identity(device, data, &read);
  bool is_kept = is_good && identity_copy(&device->identity, &read);
  cJSON_Delete(data);
  if (!is_good) state_damaged(device, file, remedy, error);
  else if (!is_kept) error_no_memory(error);
  return is_kept;
}
