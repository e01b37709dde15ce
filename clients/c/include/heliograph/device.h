/*
 * Heliograph, the device's side: a device gets its certificate, keeps one MQTT connection, registers topics, joins
 * channels, and hands each notification to the program once.
 *
 * One thread, the loop's, calls everything here and is called back: that of `heliograph_run` or `heliograph_step`.
 * Only `heliograph_post` and `heliograph_finish` may be called from any thread. Callbacks are called from the loop
 * alone, never from inside another call, so that they may call anything but `heliograph_step`, `heliograph_run` and
 * `heliograph_free`. Two are called at once, also from inside another call: `log` and `may_move_to`, which may call nothing
 * but `heliograph_post` and `heliograph_finish`. What a callback is given is valid until it returns. All text is UTF-8 and
 * ends with NUL.
 */
#ifndef HELIOGRAPH_DEVICE_H
#define HELIOGRAPH_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HELIOGRAPH_VERSION "0.1.0"

/* Characters of a channel's id. */
#define HELIOGRAPH_CHANNEL_ID 24
/* Channels that a device may have joined. */
#define HELIOGRAPH_MOST_CHANNELS 50

#ifndef HELIOGRAPH_API
#if defined(__GNUC__)
#define HELIOGRAPH_API __attribute__((visibility("default")))
#else
#define HELIOGRAPH_API
#endif
#endif

/* A device: its identity, its one connection, its topics and its notifications. */
typedef struct heliograph_device heliograph_device;

/* A notification in the program's hands, until `heliograph_finish`. */
typedef struct heliograph_handling heliograph_handling;

struct heliograph_platform; /* heliograph/platform.h */

/*
 * What went wrong. `reason` is a word for programs, the same in every SDK and often the service's own: NotActivated,
 * ActivationUnreachable, ActivationRefused, UsedActivationCode, UnknownTopic, Timeout, Closed, BadChannelId,
 * ChannelRefused, TooManyChannels, HandlerFailed, BadMessage, CertificateExpired, MoveRefused, StateDamaged,
 * StateUnusable, OutOfMemory, … `message` is a sentence for people; it holds nothing secret. `topic` and `channel` are ""
 * if it is about none. A channel's id is as good as a key to it, and stands here alone. `status` is the HTTP status with
 * which an activation was refused, or 0: after 429 and 5xx the code is still valid.
 */
typedef struct {
  char reason[64];
  char message[512];
  char topic[256];
  char channel[HELIOGRAPH_CHANNEL_ID + 1];
  int status;
} heliograph_error;

/* A notification. Absent fields are NULL. */
typedef struct {
  const char *id;         /* the apns-id */
  const char *topic;      /* the app's bundle id */
  const char *channel;    /* the id of the channel it was sent to, or NULL */
  const char *payload;    /* the provider's JSON, byte for byte; NUL follows it */
  size_t payload_size;    /* bytes */
  int64_t accepted_at;    /* when the service accepted it; milliseconds since 1970 */
  bool stored;            /* it waited for the device: in its pending slot, or as the latest of its channel */
  int64_t expiration;     /* seconds since 1970; 0 = one attempt. It may have passed, by this device's clock */
  int priority;           /* 10, 5 or 1 */
  const char *push_type;  /* apns-push-type */
  const char *collapse_id;
  const char *pending;    /* "perCollapseId": while the device is away, the service keeps the newest of each collapse id,
                             and those without one. NULL: it keeps the newest of the topic */
  const char *unique_id;  /* apns-unique-id: what an operator finds it by */
  const char *seq;        /* the service's order: greater as text = newer */
} heliograph_notification;

typedef enum {
  HELIOGRAPH_TAKEN,  /* taken over: it is acknowledged and does not come again */
  HELIOGRAPH_FAILED, /* not taken over: it comes again */
  HELIOGRAPH_LATER   /* the program calls `heliograph_finish`; the notification stays valid until then */
} heliograph_outcome;

/*
 * Takes a notification over. Put it where it is safe before you say HELIOGRAPH_TAKEN. While one is being handled
 * (HELIOGRAPH_LATER), those of the same topic, or of the same channel, wait; others and the connection go on.
 */
typedef heliograph_outcome heliograph_handler(void *context, const heliograph_notification *notification,
                                              heliograph_handling *handling);

typedef enum {
  HELIOGRAPH_CONNECTED,    /* device_id; at every CONNACK */
  HELIOGRAPH_DISCONNECTED, /* cause; retry_in_ms, -1 after close */
  HELIOGRAPH_TOKEN,        /* topic, token: send it to your provider */
  HELIOGRAPH_ACCEPTED,     /* topics: the service has confirmed their tokens */
  HELIOGRAPH_REJECTED,     /* topic (NULL if unknown), token, reason; registered again where that can help */
  HELIOGRAPH_DROPPED,      /* id, topic, channel, reason: a notification was acknowledged and not handed over. `repeat`: it
                              was taken over before; `overtaken`: a newer one was; `unregistered`: its topic was given up;
                              `left`: its channel is not joined */
  HELIOGRAPH_MOVED,        /* host, port: the device has followed the service there */
  HELIOGRAPH_ERROR         /* error: one that no call waits for */
} heliograph_event_kind;

/* Something that happened. Fields that the kind does not name are NULL or 0. */
typedef struct {
  heliograph_event_kind kind;
  const char *device_id;
  const char *cause;
  int64_t retry_in_ms;
  const char *topic;
  const char *token;
  const char *reason;
  const char *id;
  const char *channel;
  const char *const *topics;
  size_t topic_count;
  const char *host;
  uint16_t port;
  const heliograph_error *error;
} heliograph_event;

/*
 * The answer to a call, exactly one each; a call that finds no memory to begin with may get none. `error` is NULL where it
 * succeeded. `value` is the device id (`heliograph_activate`), the token (`heliograph_register`), or NULL.
 */
typedef void heliograph_answer(void *context, const heliograph_error *error, const char *value);

/* How a device is opened. All zero but `directory` is right for a device that has been activated. Texts are copied. */
typedef struct {
  const char *directory;        /* the state directory; made with mode 0700 if it is missing. One process each */
  const char *activation_url;   /* https; needed once, with the code */
  const char *activation_code;  /* what the operator hands out for one device */
  const char *activation_ca;    /* PEM; NULL: the system's CAs */
  uint32_t time_limit_ms;       /* how long register, unregister and join wait for the service; 0: 30,000 */
  uint32_t close_limit_ms;      /* how long close waits for what is being handled; 0: 5,000 */
  uint32_t connect_timeout_ms;  /* an attempt up to CONNACK; 0: 20,000 */
  uint16_t keepalive_s;         /* 0: 60 */
  void *context;                /* given to the functions below */
  void (*on_event)(void *context, const heliograph_event *event);
  void (*log)(void *context, const char *line); /* lines for people, without payloads, tokens, codes and keys. Called at once */
  bool (*may_move_to)(void *context, const char *host, uint16_t port); /* NULL: anywhere; called at once */
  const struct heliograph_platform *platform; /* NULL: POSIX and OpenSSL */
} heliograph_options;

/*
 * Reads the state of a device, or makes a new one. Returns NULL, with `error` filled in, where the state is damaged
 * (StateDamaged: the file is left alone) or unusable (StateUnusable). `error` may be NULL.
 */
HELIOGRAPH_API heliograph_device *heliograph_open(const heliograph_options *options, heliograph_error *error);

/* Sets what takes notifications over; until then they wait, unacknowledged. A second call replaces it. */
HELIOGRAPH_API void heliograph_on_notification(heliograph_device *device, heliograph_handler *handler, void *context);

/*
 * Ends a handling for which the handler returned HELIOGRAPH_LATER: once, from any thread, also after close, not after
 * free. It needs no memory. `is_taken` false: it comes again. What is finished after the device has closed is remembered by
 * the next call of step or by free, and so does not reach the handler again.
 */
HELIOGRAPH_API void heliograph_finish(heliograph_handling *handling, bool is_taken);

/*
 * Gets the device its certificate: makes a key, stores it, and sends a request with the code. Does nothing where there
 * is a certificate that has not expired. After ActivationUnreachable call it again with the same code. `answer` may be
 * NULL, here and below.
 */
HELIOGRAPH_API void heliograph_activate(heliograph_device *device, heliograph_answer *answer, void *context);

/*
 * Connects, activating first where needed, and keeps the device connected until close. Answers at the first CONNACK,
 * however long that takes; HELIOGRAPH_DISCONNECTED tells of every failed attempt.
 */
HELIOGRAPH_API void heliograph_connect(heliograph_device *device, heliograph_answer *answer, void *context);

/* Registers for a topic (a bundle id, at most 255 bytes); answers with its token, the service's reason, or Timeout. */
HELIOGRAPH_API void heliograph_register(heliograph_device *device, const char *topic, heliograph_answer *answer,
                                        void *context);

/*
 * Makes a topic's token dead; answers when the service has been told. After Timeout the wish is kept and told at the
 * next connect. Notifications for the topic are dropped from now on.
 */
HELIOGRAPH_API void heliograph_unregister(heliograph_device *device, const char *topic, heliograph_answer *answer,
                                          void *context);

/*
 * Joins a channel, now and at every connection. Answers when the service has granted it, or BadChannelId, ChannelRefused
 * (the wish is given up), TooManyChannels, Timeout (the wish is kept).
 */
HELIOGRAPH_API void heliograph_join(heliograph_device *device, const char *channel, heliograph_answer *answer,
                                    void *context);

/* Leaves a channel: what still comes from it is dropped. */
HELIOGRAPH_API void heliograph_leave(heliograph_device *device, const char *channel, heliograph_answer *answer,
                                     void *context);

/*
 * The id that the service gave this device, or NULL before activation. Valid until the next call of step or run; in a
 * callback, until that returns.
 */
HELIOGRAPH_API const char *heliograph_device_id(const heliograph_device *device);

/* Whether there is a connection. */
HELIOGRAPH_API bool heliograph_is_connected(const heliograph_device *device);

/* Calls `each` with every registered topic and its token, also while offline. */
HELIOGRAPH_API void heliograph_tokens(const heliograph_device *device,
                                      void (*each)(void *context, const char *topic, const char *token), void *context);

/* Calls `each` with every channel that is joined or to be joined. */
HELIOGRAPH_API void heliograph_channels(const heliograph_device *device,
                                        void (*each)(void *context, const char *channel), void *context);

/*
 * Does what there is to do, and waits at most `most_ms` for more (0: does not wait; below 0: as long as it takes). A
 * signal ends the wait. Returns false once the device is closed. Resolving a host name may hold it up.
 */
HELIOGRAPH_API bool heliograph_step(heliograph_device *device, int64_t most_ms);

/* Steps until the device is closed. */
HELIOGRAPH_API void heliograph_run(heliograph_device *device);

/*
 * Has `work(context)` called from the loop, from any thread, not after free. Returns false without memory, or where it is
 * closed: then it is not called. A device that is freed without close does not call it either.
 */
HELIOGRAPH_API bool heliograph_post(heliograph_device *device, void (*work)(void *context), void *context);

/*
 * Lets what is being handled finish, within `close_limit_ms`, and disconnects; `heliograph_run` then returns. Calls
 * that wait are answered with Closed. The device cannot be used again.
 */
HELIOGRAPH_API void heliograph_close(heliograph_device *device, heliograph_answer *answer, void *context);

/* Frees a device, and cuts its connection if it was not closed. NULL is allowed. */
HELIOGRAPH_API void heliograph_free(heliograph_device *device);

#ifdef __cplusplus
}
#endif
#endif
