/*
 * Copies of what the program is to be told, in order. Without memory for an event, it is lost. A call that waits has the
 * memory for its answer from its beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum { MOST_TEXTS = 8 };
/* One message can cause as many; a service that sends one after the other must not fill the memory with them. */
enum { MOST_CALLS = 1000 };

struct call {
  call *next;
  heliograph_event event;
  heliograph_answer *answer; /* NULL: it is an event */
  void *context;
  heliograph_error *error; /* a copy, or NULL; most calls have none, and it is large */
  bool is_out_of_memory;   /* there was no memory for what the answer should have said */
  char *value;
  char *texts[MOST_TEXTS];
  char **topics;
};

static void free_call(call *call) {
  for (size_t i = 0; i < MOST_TEXTS; i++) forget(call->texts[i]);
  for (size_t i = 0; call->topics && i < call->event.topic_count; i++) free(call->topics[i]);
  free(call->topics);
  forget(call->value);
  free(call->error);
  free(call);
}

static void add(heliograph_device *device, call *call) {
  *device->calls_end = call;
  device->calls_end = &call->next;
  device->call_count++;
}

/* Returns false without memory. */
static bool copy_error(call *call, const heliograph_error *error) {
  if (!error) return true;
  call->error = malloc(sizeof *call->error);
  if (call->error) *call->error = *error;
  return call->error != NULL;
}

static bool copy_topics(call *call, const heliograph_event *event) {
  if (event->topic_count == 0) return true;
  call->topics = calloc(event->topic_count, sizeof *call->topics);
  if (!call->topics) return false;
  for (size_t i = 0; i < event->topic_count; i++)
    if (!(call->topics[i] = copy_of(event->topics[i]))) return false;
  call->event.topics = (const char *const *)call->topics;
  return true;
}

void calls_event(heliograph_device *device, const heliograph_event *event) {
  if (!device->options.on_event) return;
  call *made = calloc(1, sizeof *made);
  if (!made) return;
  made->event = *event;
  const char **fields[] = {&made->event.device_id, &made->event.cause,  &made->event.topic,
                           &made->event.token,     &made->event.reason, &made->event.host,
                           &made->event.id,        &made->event.channel};
  bool is_whole = copy_topics(made, event) && copy_error(made, event->error);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *given = *fields[i];
    *fields[i] = made->texts[i] = copy_of(given);
    is_whole = is_whole && (!given || made->texts[i]);
  }
  made->event.error = made->error;
  if (is_whole) add(device, made);
  else free_call(made);
}

call *calls_expect(heliograph_answer *answer, void *context) {
  call *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->answer = answer;
  made->context = context;
  return made;
}

void calls_give(heliograph_device *device, call *expected, const heliograph_error *error, const char *value) {
  if (!expected->answer) {
    free_call(expected);
    return;
  }
  expected->value = copy_of(value);
  expected->is_out_of_memory = !copy_error(expected, error) || (value && !expected->value);
  add(device, expected);
}

void calls_answer(heliograph_device *device, heliograph_answer *answer, void *context, const heliograph_error *error,
                  const char *value) {
  call *made = calls_expect(answer, context);
  if (made) calls_give(device, made, error, value);
}

void calls_forget(call *expected) { free_call(expected); }

static void give_answer(const call *call) {
  heliograph_error error;
  if (call->is_out_of_memory) {
    error_no_memory(&error);
    call->answer(call->context, &error, NULL);
  } else {
    call->answer(call->context, call->error, call->value);
  }
}

static void make(heliograph_device *device, call *call) {
  if (call->answer) give_answer(call);
  else device->options.on_event(device->options.context, &call->event);
  free_call(call);
}

bool calls_are_many(const heliograph_device *device) { return device->call_count >= MOST_CALLS; }

bool calls_make(heliograph_device *device) {
  call *first = device->calls;
  device->calls = NULL;
  device->calls_end = &device->calls;
  device->call_count = 0;
  bool were_any = first != NULL;
  while (first) {
    call *next = first->next;
    make(device, first);
    first = next;
  }
  return were_any;
}

void calls_free(heliograph_device *device) {
  while (device->calls) {
    call *first = device->calls;
    device->calls = first->next;
    free_call(first);
  }
  device->calls_end = &device->calls;
}
