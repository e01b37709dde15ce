/* The device and its parts. A part knows the others by their functions below. */
#ifndef DEVICE_H
#define DEVICE_H

#include "heliograph/device.h"
#include "heliograph/platform.h"
#include "identity.h"
#include "json.h"
#include "mqtt.h"
#include "notification.h"
#include "taken.h"
#include "text.h"
#include "timers.h"

#if defined(__GNUC__)
#define PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PRINTF(at, first)
#endif

/* ── errors ── */

void error_set(heliograph_error *error, const char *reason, const char *topic, const char *format, ...) PRINTF(4, 5);
/* About a channel, whose id is in no message. */
void error_channel(heliograph_error *error, const char *reason, const char *channel, const char *message);
/* A failure to read or write a state file. */
void error_unusable(heliograph_device *device, heliograph_error *error, const char *file, const char *what, const char *why);
void error_no_memory(heliograph_error *error);

/* ── calls: what the program is to be told, told by the loop alone ── */

typedef struct call call;
void calls_event(heliograph_device *device, const heliograph_event *event);
/* The memory for an answer that is to be given; NULL without. */
call *calls_expect(heliograph_answer *answer, void *context);
/* Answers what was expected: without memory for the error or the value, with OutOfMemory. */
void calls_give(heliograph_device *device, call *expected, const heliograph_error *error, const char *value);
void calls_forget(call *expected);
/* Answers at once. Without memory even for that, there is no answer. */
void calls_answer(heliograph_device *device, heliograph_answer *answer, void *context, const heliograph_error *error,
                  const char *value);
/* Makes the calls that are there now; returns whether there were any. */
bool calls_make(heliograph_device *device);
/* Whether so many wait that nothing more is to be read until they have been made. */
bool calls_are_many(const heliograph_device *device);
void calls_free(heliograph_device *device);

/* A line for people. */
void device_log(heliograph_device *device, const char *format, ...) PRINTF(2, 3);
/* An error that no call waits for. */
void device_report(heliograph_device *device, const heliograph_error *error);

/* ── waits: calls of the program that are not answered yet ── */

typedef enum { WAIT_ACTIVATE, WAIT_CONNECT, WAIT_REGISTER, WAIT_UNREGISTER, WAIT_JOIN, WAIT_LEAVE, WAIT_CLOSE } wait_kind;

typedef struct wait_entry wait_entry;
struct wait_entry {
  wait_entry *next;
  heliograph_device *device;
  wait_kind kind;
  char about[MOST_TOPIC + 1]; /* a topic, a channel, or "" */
  call *expected;
  timer limit;
};

/* `limit_ms` 0: none. Without memory the call is answered at once, and false returned. */
bool wait_add(heliograph_device *device, wait_kind kind, const char *about, heliograph_answer *answer, void *context,
              uint32_t limit_ms);
bool wait_is_open(const heliograph_device *device, wait_kind kind, const char *about);
/* What the only wait of this kind is about; NULL if there is not one thing. */
const char *wait_only(const heliograph_device *device, wait_kind kind);
/* Answers all waits of a kind that are about this. */
void wait_end(heliograph_device *device, wait_kind kind, const char *about, const heliograph_error *error,
              const char *value);
/* Answers all but those that wait for the end itself. */
void wait_end_all(heliograph_device *device, const heliograph_error *error);

/* ── activation ── */

typedef struct {
  bool runs;
  char *body; /* the request; it holds the code */
  char *private_key;
  unsigned failures;
  unsigned in_line;
  void *stream;
  bool is_ready;
  text out;
  text in;
  timer pause;
  timer limit;
} activation;

/* `device_on_activated` follows. */
void activation_start(heliograph_device *device);
/* Reads and writes what there is; returns whether there may be more to read at once. */
bool activation_turn(heliograph_device *device);
void activation_stop(heliograph_device *device);

/* ── connection ── */

typedef enum { SENT_REQUEST, SENT_SUBSCRIBE, SENT_UNSUBSCRIBE } sent_kind;

/* What the broker has not acknowledged yet. */
typedef struct sent sent;
struct sent {
  sent *next;
  uint16_t id;
  sent_kind kind;
  request request;
  char topic[MOST_TOPIC + 1]; /* in the request; "" if none */
  uint32_t wish;
  size_t channel_count;
  char channels[MQTT_MOST_FILTERS][HELIOGRAPH_CHANNEL_ID + 1];
};

typedef enum { LINK_NONE, LINK_DIALING, LINK_GREETING, LINK_OPEN, LINK_ENDING } link_state;

typedef struct {
  bool is_started;
  bool is_stopped;
  bool redials;
  link_state state;
  uint32_t number; /* of the connection: an acknowledgement counts on its own alone */
  void *stream;
  broker used_broker;
  char *used_certificate;
  text out;
  text in;
  uint16_t last_id;
  sent *sent;
  unsigned failures;
  bool awaits_pong;
  char cause[HELIOGRAPH_WHY];
  timer retry;
  timer stable;
  timer limit;
  timer ping;
} connection;

void connection_start(heliograph_device *device);
/* Reads and writes what there is; returns whether there may be more to read at once. */
bool connection_turn(heliograph_device *device);
/* Ends the connection and dials again at once. */
void connection_redial(heliograph_device *device);
/* Ends it for good; `device_on_stopped` follows, at once where there is none. */
void connection_stop(heliograph_device *device);
/* Cuts it without a word. */
void connection_free(heliograph_device *device);
/* Publishes a request; false where there is no connection (or no memory, which ends it). */
bool connection_send(heliograph_device *device, request request, const char *topic, uint32_t wish, const char *body);
bool connection_subscribe(heliograph_device *device, const char *const *channels, size_t count);
bool connection_unsubscribe(heliograph_device *device, const char *channel);
void connection_acknowledge(heliograph_device *device, uint32_t number, uint16_t id);

/* ── registrar: the device's topics and the service's view of them ── */

typedef enum {
  TOPIC_NONE,   /* not on disk */
  TOPIC_WANTED, /* without a token: asked for, not answered */
  TOPIC_LEAVING /* unregistered by the program, and the service does not know yet */
} topic_state;

enum { MOST_TOKEN = 128 };

typedef struct registered registered;
struct registered {
  registered *next;
  heliograph_device *device;
  char name[MOST_TOPIC + 1];
  topic_state state;
  char token[MOST_TOKEN + 1]; /* "" if there is none */
  uint32_t wish;              /* of the newest unregister; an older one that is told late is not it */
  bool is_left;               /* unregistered in this run: a straggler for it is nobody's */
  bool is_retried;            /* registered again after a refusal and not accepted since */
  unsigned repeats;
  timer repeat;
};

typedef struct {
  registered *topics;
  uint32_t last_wish;
  unsigned repeats; /* of `connect` */
  timer repeat;
} registrar;

bool registrar_open(heliograph_device *device, heliograph_error *error);
void registrar_free(heliograph_device *device);
void registrar_register(heliograph_device *device, const char *topic);
void registrar_unregister(heliograph_device *device, const char *topic);
void registrar_on_connected(heliograph_device *device);
void registrar_on_disconnected(heliograph_device *device);
/* Shows the service which tokens this device holds; it answers, and drains what is pending. */
void registrar_present(heliograph_device *device);
/* The broker has a request. */
void registrar_on_sent(heliograph_device *device, const sent *sent);
/* Answers of the service. False: not remembered; `error` says why. */
bool registrar_on_token(heliograph_device *device, const cJSON *message, heliograph_error *error);
bool registrar_on_account(heliograph_device *device, const cJSON *message, heliograph_error *error);
bool registrar_on_error(heliograph_device *device, const cJSON *message, heliograph_error *error);
bool registrar_has_every_token(const heliograph_device *device);
bool registrar_has_left(const heliograph_device *device, const char *topic);

/* ── channels ── */

typedef struct {
  char id[HELIOGRAPH_CHANNEL_ID + 1];
  heliograph_device *device;
  bool is_granted; /* on this connection */
  unsigned repeats;
  timer repeat;
} joined;

typedef struct {
  joined *all[HELIOGRAPH_MOST_CHANNELS];
  size_t count;
} channels;

bool channels_open(heliograph_device *device, heliograph_error *error);
void channels_free(heliograph_device *device);
/* Whether it is joined and granted already. */
bool channels_is_granted(const heliograph_device *device, const char *channel);
void channels_join(heliograph_device *device, const char *channel);
/* Forgets it; it is not subscribed to any more. */
bool channels_leave(heliograph_device *device, const char *channel, heliograph_error *error);
bool channels_has(const heliograph_device *device, const char *channel);
void channels_on_connected(heliograph_device *device);
void channels_on_disconnected(heliograph_device *device);
void channels_on_subscribed(heliograph_device *device, const sent *sent, const uint8_t *codes, size_t count);
/* Subscribes again, so that the broker sends what it has retained. */
void channels_ask_again(heliograph_device *device, const char *channel);

/* ── inbox: each notification to the handler, once ── */

/* Waiting notifications of one topic or channel; IoT Core leaves at most 100 unacknowledged on a connection. */
enum { MOST_WAITING = 100 };
/* Of all topics together: a broker that sends more than it may cannot fill the memory. */
enum { MOST_WAITING_ALL = 1000, MOST_WAITING_BYTES = 4 * 1024 * 1024 };

typedef struct lane lane;
typedef struct {
  lane *lanes;
  heliograph_handling *abandoned; /* at work when the device was closed */
  size_t waiting;
  size_t bytes;
  heliograph_handler *handler;
  void *context;
  bool is_stopped;
  taken_index taken;
  size_t appended; /* lines, since the journal was rewritten */
} inbox;

bool inbox_open(heliograph_device *device, heliograph_error *error);
void inbox_free(heliograph_device *device);
/* A message on heliograph/notification (`channel` NULL) or on a channel's topic. */
void inbox_receive(heliograph_device *device, const mqtt_message *message, const char *channel);
/* Hands over what can be; returns whether there is more to do at once. */
bool inbox_turn(heliograph_device *device);
/* Nothing more goes to the handler. */
void inbox_stop(heliograph_device *device);
/* Whether a handler is at work. */
bool inbox_is_at_work(const heliograph_device *device);
/* Lets go of what is at work. */
void inbox_abandon(heliograph_device *device);

/* ── redrain: asks the service again for what was not taken over; one for topics, one for channels ── */

enum { MOST_FAILING = 64 };
typedef struct redrain redrain;
struct redrain {
  heliograph_device *device;
  void (*ask_for)(redrain *redrain);
  char failing[MOST_FAILING][MOST_TOPIC + 1]; /* topics or channels */
  size_t count;
  unsigned asked;
  timer ask;
};

void redrain_open(heliograph_device *device);
void redrain_on_failed(redrain *redrain, const char *origin);
void redrain_on_taken(redrain *redrain, const char *origin);
void redrain_stop(redrain *redrain);

/* ── renewal: replaces the certificate before it expires ── */

typedef struct {
  bool has_asked;
  int64_t asked_at; /* monotonic */
  unsigned failures_with_next;
  timer look;
} renewal;

/* What to connect with: the new pair, and now and then the old one while the new one fails. */
void renewal_credentials(const heliograph_device *device, const char **certificate, const char **private_key);
void renewal_on_failed(heliograph_device *device);
/* Settles which pair counts from now on, then looks whether a renewal is due. */
void renewal_on_connected(heliograph_device *device);
void renewal_on_disconnected(heliograph_device *device);
bool renewal_on_certificate(heliograph_device *device, const cJSON *message, heliograph_error *error);
/* By the device's clock. */
bool certificate_has_expired(const heliograph_device *device, const char *certificate);

/* ── move: follows the service to another place ── */

typedef enum { PLACE_NONE, PLACE_OLD, PLACE_NEW } place;
typedef struct {
  unsigned failures;
  unsigned rests;
  int64_t rest_until; /* monotonic */
  place place;        /* where the open connection leads */
  bool is_answered;
  timer next;
} move;

/* Where to connect now. */
const broker *move_broker(const heliograph_device *device);
void move_on_opened(heliograph_device *device);
/* An attempt ended before its CONNACK. */
void move_on_failed(heliograph_device *device);
void move_on_disconnected(heliograph_device *device);
bool move_on_message(heliograph_device *device, const cJSON *message, heliograph_error *error);
/* The service has said what happened to the tokens. */
void move_on_account(heliograph_device *device);
/* To be called after every answer: the one that was missing may have come. */
bool move_settle(heliograph_device *device, heliograph_error *error);

/* ── the device ── */

typedef struct posted posted;

typedef enum { DEVICE_OPEN, DEVICE_FINISHING, DEVICE_ENDING, DEVICE_CLOSED } device_state;

struct heliograph_device {
  heliograph_options options; /* its texts are copies */
  heliograph_platform platform;
  void *storage;
  void *loop;
  timers timers;
  device_state state;
  timer close_limit;
  call *calls, **calls_end;
  size_t call_count;
  wait_entry *waits;
  posted *posted, **posted_end; /* guarded by the loop's lock, and so is the next */
  bool refuses_posts;
  bool wants_connection; /* connect was called and waits for an activation */
  identity identity;
  registrar registrar;
  channels channels;
  inbox inbox;
  redrain redrain;
  struct redrain rejoin;
  renewal renewal;
  move move;
  activation activation;
  connection connection;
};

int64_t device_now(const heliograph_device *device);
uint32_t device_random(const heliograph_device *device);
void device_after(heliograph_device *device, timer *timer, int64_t delay_ms, void (*fire)(void *, struct timer *),
                  void *context);
void device_stop(heliograph_device *device, timer *timer);

/* What the parts tell the device. */
void device_on_activated(heliograph_device *device, const heliograph_error *error);
void device_on_opened(heliograph_device *device);
void device_on_failed(heliograph_device *device);
void device_on_closed(heliograph_device *device, int64_t retry_in_ms);
void device_on_stopped(heliograph_device *device);
/* Every message ends here. */
void device_receive(heliograph_device *device, const mqtt_message *message);

/* A JSON state file that is there: 1 and `data`; 0 if it is missing; -1 with `error`. `remedy` ends its sentence. */
int state_read(heliograph_device *device, const char *file, const char *remedy, cJSON **data, heliograph_error *error);
void state_damaged(heliograph_device *device, const char *file, const char *remedy, heliograph_error *error);
/* Replaces a state file with a text, and frees the text. */
bool state_write(heliograph_device *device, const char *file, text *content, heliograph_error *error);

#endif
