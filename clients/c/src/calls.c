/* Copies of what the program is to be told, in order. Without memory for one, it is lost. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

enum { MOST_TEXTS = 8 };

struct call {
  call *next;
  heliograph_event event;
  heliograph_answer *answer; /* NULL: it is an event */
  void *context;
  bool has_error;
  heliograph_error error;
  char *value;
  char *texts[MOST_TEXTS];
  char **topics;
};

static void free_call(call *call) {
  for (size_t i = 0; i < MOST_TEXTS; i++) forget(call->texts[i]);
  for (size_t i = 0; call->topics && i < call->event.topic_count; i++) free(call->topics[i]);
  free(call->topics);
  forget(call->value);
  free(call);
}

static void add(heliograph_device *device, call *call) {
  *device->calls_end = call;
  device->calls_end = &call->next;
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
  bool is_whole = copy_topics(made, event);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *given = *fields[i];
    *fields[i] = made->texts[i] = copy_of(given);
    is_whole = is_whole && (!given || made->texts[i]);
  }
  if (event->error) {
    made->error = *event->error;
    made->event.error = &made->error;
  }
  if (is_whole) add(device, made);
  else free_call(made);
}

void calls_answer(heliograph_device *device, heliograph_answer *answer, void *context, const heliograph_error *error,
                  const char *value) {
  if (!answer) return;
  call *made = calloc(1, sizeof *made);
  if (!made) return;
  made->answer = answer;
  made->context = context;
  made->value = copy_of(value);
  made->has_error = error != NULL;
  if (error) made->error = *error;
  add(device, made);
}

static void make(heliograph_device *device, call *call) {
  if (call->answer) call->answer(call->context, call->has_error ? &call->error : NULL, call->value);
  else device->options.on_event(device->options.context, &call->event);
  free_call(call);
}

bool calls_make(heliograph_device *device) {
  call *first = device->calls;
  device->calls = NULL;
  device->calls_end = &device->calls;
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
