/* Who the device is: one file, so that a key and its certificate change together. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <cjson/cJSON.h>

#include "heliograph/device.h"

#include "names.h"

/* Where the broker is, and what its certificate is checked against (PEM). */
typedef struct {
  char *host; /* NULL: there is none */
  uint16_t port;
  char *ca;
} broker;

typedef enum { REQUEST_REGISTER, REQUEST_CONNECT, REQUEST_UNREGISTER, REQUEST_RENEW } request;
enum { REQUESTS = 4 };
extern const char *const request_names[REQUESTS];

/* Texts are NULL where there are none. */
typedef struct {
  char *fresh_key; /* of an activation whose answer has not been seen */
  char *device_id; /* the device as the service knows it, with the five below; NULL before activation */
  char *certificate;
  char *private_key;
  broker mqtt;
  char *publish[REQUESTS]; /* topics. A service without renewal names none for it */
  char *next_key;          /* asked for a certificate with it, and perhaps answered but not yet connected with */
  char *next_certificate;
  broker move; /* where the service goes on; it replaces `mqtt` once it has answered there */
} identity;

/* Most characters of the CA certificates of a broker. */
enum { MOST_CA = 32768, MOST_HOST = 253, MOST_PEM = 16384 };

/* Reads it from the state directory. */
bool identity_open(heliograph_device *device, heliograph_error *error);
void identity_free(identity *identity);
/* Returns false without memory. */
bool identity_copy(identity *copy, const identity *of);
/* Replaces what is on disk, then the device's identity, with `edited`, which is freed or taken. */
bool identity_keep(heliograph_device *device, identity *edited, heliograph_error *error);
/*
 * The answer to an activation with the key it is for, into `read`, which is empty; false if it is not one. Its texts, like
 * those of `broker_read`, are those of what it was read from: nothing is allocated, and nothing is to be freed.
 */
bool identity_read_answer(heliograph_device *device, const cJSON *answer, const char *private_key, identity *read);

bool broker_read(heliograph_device *device, const cJSON *data, broker *read);
bool broker_copy(broker *copy, const broker *of);
void broker_free(broker *broker);
bool broker_is_same(const broker *one, const broker *other);

#endif
