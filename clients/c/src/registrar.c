#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "device.h"

static const char file[] = "registrations.json";
static const char remedy[] = "delete it and register every topic again (the tokens stay the same)";

/* The first repeat of a request that was not answered, and the longest pause between two. */
enum { FIRST_REPEAT_MS = 10000, LAST_REPEAT_MS = 600000 };

/* Tokens in one `connect`. */
enum { MOST_TOKENS = 1000, MOST_REQUEST = 131072 };

static registered *find(const heliograph_device *device, const char *name) {
  registered *topic = device->registrar.topics;
  while (topic && strcmp(topic->name, name) != 0) topic = topic->next;
  return topic;
}

static registered *find_or_add(heliograph_device *device, const char *name) {
  registered *topic = find(device, name);
  if (topic || !(topic = calloc(1, sizeof *topic))) return topic;
  topic->device = device;
  fit(topic->name, sizeof topic->name, name);
  registered **link = &device->registrar.topics;
  while (*link) link = &(*link)->next;
  *link = topic;
  return topic;
}

/* ── on disk ── */

static void write_topics(text *out, const registrar *registrar) {
  const char *between = "";
  text_put(out, "{\"version\":1,\"topics\":{");
  for (const registered *topic = registrar->topics; topic; topic = topic->next) {
    if (topic->state == TOPIC_NONE) continue;
    text_put(out, between);
    text_quoted(out, topic->name);
    text_put(out, topic->state == TOPIC_WANTED ? ":{\"state\":\"wanted\"" : ":{\"state\":\"leaving\"");
    if (topic->token[0]) {
      text_put(out, ",\"token\":");
      text_quoted(out, topic->token);
    }
    text_put(out, "}");
    between = ",";
  }
  text_put(out, "}}\n");
}

/* Every change is durable before it is seen. */
static bool change(registered *topic, topic_state state, const char *token, heliograph_error *error) {
  if (topic->state == state && strcmp(topic->token, token) == 0) return true;
  registered before = *topic;
  topic->state = state;
  if (token != topic->token) fit(topic->token, sizeof topic->token, token);
  text content;
  text_init(&content, 4 * 1024 * 1024);
  write_topics(&content, &topic->device->registrar);
  if (state_write(topic->device, file, &content, error)) return true;
  topic->state = before.state;
  memcpy(topic->token, before.token, sizeof topic->token);
  return false;
}

static bool is_entry(const cJSON *item) {
  const char *state = json_text(item, "state");
  const char *token = json_text(item, "token");
  bool is_state = is_same(state, "wanted") || is_same(state, "leaving");
  return is_state && item->string[0] && strlen(item->string) <= MOST_TOPIC && (!token || strlen(token) <= MOST_TOKEN);
}

/* Returns false without memory. */
static bool read_topic(heliograph_device *device, const cJSON *item) {
  const char *token = json_text(item, "token");
  registered *topic = find_or_add(device, item->string);
  if (!topic) return false;
  topic->state = is_same(json_text(item, "state"), "wanted") ? TOPIC_WANTED : TOPIC_LEAVING;
  if (token) fit(topic->token, sizeof topic->token, token);
  return true;
}

bool registrar_open(heliograph_device *device, heliograph_error *error) {
  cJSON *data = NULL;
  int found = state_read(device, file, remedy, &data, error);
  if (found <= 0) return found == 0;
  const cJSON *topics = json_object_at(data, "topics"), *item = NULL;
  bool is_good = topics != NULL, is_kept = true;
  cJSON_ArrayForEach(item, topics) is_good = is_good && is_entry(item);
  cJSON_ArrayForEach(item, topics) is_kept = is_kept && is_good && read_topic(device, item);
  cJSON_Delete(data);
  if (!is_good) state_damaged(device, file, remedy, error);
  else if (!is_kept) error_no_memory(error);
  return is_good && is_kept;
}

void registrar_free(heliograph_device *device) {
  registrar_on_disconnected(device);
  while (device->registrar.topics) {
    registered *first = device->registrar.topics;
    device->registrar.topics = first->next;
    free(first);
  }
}

/* ── what is asked ── */

static bool send_about(registered *topic, request request) {
  text body;
  text_init(&body, MOST_REQUEST);
  text_put(&body, "{\"topic\":");
  text_quoted(&body, topic->name);
  text_put(&body, "}");
  bool is_sent = !body.failed && connection_send(topic->device, request, topic->name, topic->wish, body.bytes);
  text_free(&body);
  return is_sent;
}

/* No answer has come yet: the PUBACK of the request and the answer can come in any order. */
static bool is_asked(const registered *topic) {
  return topic->state == TOPIC_WANTED &&
         (!topic->token[0] || wait_is_open(topic->device, WAIT_REGISTER, topic->name));
}

static void register_again(void *context, timer *which);

static void repeat_later(registered *topic) {
  heliograph_device *device = topic->device;
  int64_t pause = doubled_delay(FIRST_REPEAT_MS, LAST_REPEAT_MS, topic->repeats, device_random(device));
  device_after(device, &topic->repeat, pause, register_again, topic);
}

static void register_again(void *context, timer *which) {
  (void)which;
  registered *topic = context;
  /* one that had a token, and whose wait is over */
  if (!is_asked(topic)) return;
  topic->repeats++;
  repeat_later(topic);
  send_about(topic, REQUEST_REGISTER);
}

/* The pauses start over once it has reached the service. */
static void register_now(registered *topic) {
  device_stop(topic->device, &topic->repeat);
  send_about(topic, REQUEST_REGISTER);
}

static void present_again(void *context, timer *which);

/* The tokens are kept small enough for one request by `MOST_TOKENS`. */
static void send_tokens(heliograph_device *device) {
  text body;
  size_t count = 0;
  text_init(&body, MOST_REQUEST);
  text_put(&body, "{\"tokens\":[");
  for (const registered *topic = device->registrar.topics; topic && count < MOST_TOKENS; topic = topic->next) {
    if (topic->state != TOPIC_WANTED || !topic->token[0]) continue;
    if (count++ > 0) text_put(&body, ",");
    text_quoted(&body, topic->token);
  }
  text_put(&body, "]}");
  if (!body.failed) connection_send(device, REQUEST_CONNECT, "", 0, body.bytes);
  text_free(&body);
}

static void present_later(heliograph_device *device) {
  registrar *registrar = &device->registrar;
  int64_t pause = doubled_delay(FIRST_REPEAT_MS, LAST_REPEAT_MS, registrar->repeats, device_random(device));
  device_after(device, &registrar->repeat, pause, present_again, device);
}

static void present_again(void *context, timer *which) {
  (void)which;
  heliograph_device *device = context;
  device->registrar.repeats++;
  present_later(device);
  send_tokens(device);
}

void registrar_present(heliograph_device *device) {
  send_tokens(device);
  device->registrar.repeats = 0;
  present_later(device);
}

void registrar_on_connected(heliograph_device *device) {
  registrar_present(device);
  for (registered *topic = device->registrar.topics; topic; topic = topic->next) {
    if (topic->state == TOPIC_LEAVING) send_about(topic, REQUEST_UNREGISTER);
    else if (is_asked(topic)) register_now(topic);
  }
}

void registrar_on_disconnected(heliograph_device *device) {
  device_stop(device, &device->registrar.repeat);
  for (registered *topic = device->registrar.topics; topic; topic = topic->next) device_stop(device, &topic->repeat);
}

void registrar_on_sent(heliograph_device *device, const sent *sent) {
  registered *topic = sent->topic[0] ? find(device, sent->topic) : NULL;
  if (!topic) return;
  if (sent->request == REQUEST_REGISTER && is_asked(topic)) {
    /* the PUBACK of a repeat: the next one is due already */
    if (topic->repeat.runs) return;
    topic->repeats = 0;
    repeat_later(topic);
  } else if (sent->request == REQUEST_UNREGISTER && topic->state == TOPIC_LEAVING && topic->wish == sent->wish) {
    /* only the wish that was told is done with: the program may have changed its mind twice since */
    heliograph_error error;
    if (!change(topic, TOPIC_NONE, "", &error)) device_report(device, &error);
    else wait_end(device, WAIT_UNREGISTER, topic->name, NULL, NULL);
  }
}

/* ── what the program wants ── */

void registrar_register(heliograph_device *device, const char *name) {
  heliograph_error error;
  registered *topic = find_or_add(device, name);
  if (!topic) {
    error_no_memory(&error);
    wait_end(device, WAIT_REGISTER, name, &error, NULL);
    return;
  }
  topic->is_left = false;
  wait_end(device, WAIT_UNREGISTER, name, NULL, NULL);
  if (topic->state != TOPIC_WANTED && !change(topic, TOPIC_WANTED, "", &error))
    wait_end(device, WAIT_REGISTER, name, &error, NULL);
  else
    register_now(topic);
}

void registrar_unregister(heliograph_device *device, const char *name) {
  heliograph_error error;
  registered *topic = find_or_add(device, name);
  if (!topic) {
    error_no_memory(&error);
    wait_end(device, WAIT_UNREGISTER, name, &error, NULL);
    return;
  }
  /* the wish is on disk first, so it survives being offline; what is not on disk changes nothing */
  if (!change(topic, TOPIC_LEAVING, "", &error)) {
    wait_end(device, WAIT_UNREGISTER, name, &error, NULL);
    return;
  }
  topic->is_left = true;
  topic->wish = ++device->registrar.last_wish;
  device_stop(device, &topic->repeat);
  error_set(&error, "Closed", name, "%s was unregistered", name);
  wait_end(device, WAIT_REGISTER, name, &error, NULL);
  send_about(topic, REQUEST_UNREGISTER);
}

/* ── what the service answers ── */

static bool keep_token(registered *topic, const char *token, heliograph_error *error) {
  heliograph_device *device = topic->device;
  device_stop(device, &topic->repeat);
  if (topic->state != TOPIC_WANTED) return true;
  bool is_new = strcmp(topic->token, token) != 0;
  if (!change(topic, TOPIC_WANTED, token, error)) return false;
  wait_end(device, WAIT_REGISTER, topic->name, NULL, token);
  heliograph_event event = {.kind = HELIOGRAPH_TOKEN, .topic = topic->name, .token = token};
  if (is_new) calls_event(device, &event);
  return true;
}

bool registrar_on_token(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  const char *name = json_name(message, "topic", MOST_TOPIC);
  const char *token = json_name(message, "token", MOST_TOKEN);
  registered *topic = name && token ? find(device, name) : NULL;
  return !topic || keep_token(topic, token, error);
}

static bool is_curable(const char *reason) {
  return is_same(reason, "BadDeviceToken") || is_same(reason, "NotYourToken") || is_same(reason, "Unregistered");
}

static registered *holder_of(const heliograph_device *device, const char *token) {
  registered *topic = token[0] ? device->registrar.topics : NULL;
  while (topic && (topic->state != TOPIC_WANTED || strcmp(topic->token, token) != 0)) topic = topic->next;
  return topic;
}

static bool on_rejected(heliograph_device *device, const cJSON *rejected, heliograph_error *error) {
  const char *token = json_name(rejected, "token", MOST_TOKEN), *reason = json_name(rejected, "reason", MOST_ID);
  if (!token) token = "";
  if (!reason) reason = "unknown";
  registered *topic = holder_of(device, token);
  heliograph_event event = {
      .kind = HELIOGRAPH_REJECTED, .topic = topic ? topic->name : NULL, .token = token, .reason = reason};
  calls_event(device, &event);
  if (!topic) return true;
  if (is_curable(reason) && !topic->is_retried) {
    topic->is_retried = true;
    if (!change(topic, TOPIC_WANTED, "", error)) return false;
    register_now(topic);
    return true;
  }
  heliograph_error refused;
  error_set(&refused, reason, topic->name, "the service refuses the token for %s: %s", topic->name, reason);
  device_report(device, &refused);
  return true;
}

static bool on_accepted(heliograph_device *device, const cJSON *list) {
  size_t count = 0;
  const char **names = calloc(MOST_TOKENS, sizeof *names);
  if (!names) return false;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list) {
    if (count == MOST_TOKENS) break;
    registered *topic = cJSON_IsString(item) ? find(device, item->valuestring) : NULL;
    if (topic) topic->is_retried = false;
    if (cJSON_IsString(item)) names[count++] = item->valuestring;
  }
  heliograph_event event = {.kind = HELIOGRAPH_ACCEPTED, .topics = names, .topic_count = count};
  if (count > 0) calls_event(device, &event);
  free(names);
  return true;
}

/* No answer is about more tokens than can be presented: what has more would cost memory and writes, and means nothing. */
static bool for_each(heliograph_device *device, const cJSON *list,
                     bool (*take)(heliograph_device *device, const cJSON *item, heliograph_error *error),
                     heliograph_error *error) {
  int left = MOST_TOKENS;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list) {
    if (left-- == 0) break;
    if (cJSON_IsObject(item) && !take(device, item, error)) return false;
  }
  return true;
}

bool registrar_on_account(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  device_stop(device, &device->registrar.repeat);
  if (!on_accepted(device, json_list(message, "accepted"))) {
    error_no_memory(error);
    return false;
  }
  return for_each(device, json_list(message, "renewed"), registrar_on_token, error) &&
         for_each(device, json_list(message, "rejected"), on_rejected, error);
}

/* A topic that never had a token is not asked for again at the next connect. */
static bool forget_unanswered(registered *topic, heliograph_error *error) {
  device_stop(topic->device, &topic->repeat);
  bool is_unanswered = topic->state == TOPIC_WANTED && !topic->token[0];
  return !is_unanswered || change(topic, TOPIC_NONE, "", error);
}

/* A topic that is not a topic is not echoed: then it is the one that is waited for. */
static bool on_register_refused(heliograph_device *device, const char *name, const heliograph_error *refusal,
                                heliograph_error *error) {
  registered *topic = name ? find(device, name) : NULL;
  bool is_kept = !topic || forget_unanswered(topic, error);
  if (name && wait_is_open(device, WAIT_REGISTER, name)) {
    char about[MOST_TOPIC + 1];
    fit(about, sizeof about, name); /* `name` may be the wait's own */
    wait_end(device, WAIT_REGISTER, about, refusal, NULL);
  } else {
    device_report(device, refusal);
  }
  return is_kept;
}

bool registrar_on_error(heliograph_device *device, const cJSON *message, heliograph_error *error) {
  const cJSON *asked = json_object_at(message, "request");
  const char *reason = json_name(message, "reason", MOST_ID), *kind = json_name(asked, "kind", MOST_ID);
  const char *name = json_name(asked, "topic", MOST_TOPIC);
  if (!reason) reason = "unknown";
  /* the topic is not registered: that is what unregister wanted */
  if (is_same(kind, "unregister") && strcmp(reason, "UnknownTopic") == 0) return true;
  bool is_register = is_same(kind, "register");
  if (is_register && !name) name = wait_only(device, WAIT_REGISTER);
  heliograph_error refusal;
  error_set(&refusal, reason, name, "the service refused a request (%s%s%s): %s", kind ? kind : "unknown",
            name ? " " : "", name ? name : "", reason);
  if (is_register) return on_register_refused(device, name, &refusal, error);
  device_report(device, &refusal);
  return true;
}

/* ── what others ask ── */

bool registrar_has_every_token(const heliograph_device *device) {
  for (const registered *topic = device->registrar.topics; topic; topic = topic->next)
    if (topic->state == TOPIC_WANTED && !topic->token[0]) return false;
  return true;
}

bool registrar_has_left(const heliograph_device *device, const char *name) {
  const registered *topic = find(device, name);
  return topic && (topic->is_left || topic->state == TOPIC_LEAVING);
}

/* `each` may unregister the topic, whose token is gone then: it gets copies. */
static void tell_token(const registered *topic, void (*each)(void *context, const char *topic, const char *token),
                       void *context) {
  char name[sizeof topic->name], token[sizeof topic->token];
  fit(name, sizeof name, topic->name);
  fit(token, sizeof token, topic->token);
  each(context, name, token);
}

void heliograph_tokens(const heliograph_device *device, void (*each)(void *context, const char *topic, const char *token),
                       void *context) {
  for (const registered *topic = device->registrar.topics; topic; topic = topic->next)
    if (topic->state == TOPIC_WANTED && topic->token[0]) tell_token(topic, each, context);
}
