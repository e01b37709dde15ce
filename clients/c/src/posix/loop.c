/* Waits with poll, and is woken through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix.h"

enum { MOST_WATCHES = 2 };

typedef struct {
  int woken; /* the end that is read */
  int waker;
  pthread_mutex_t mutex;
} loop;

static bool prepare(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

static void close_loop(void *context) {
  loop *loop = context;
  if (loop->woken >= 0) close(loop->woken);
  if (loop->waker >= 0) close(loop->waker);
  pthread_mutex_destroy(&loop->mutex);
  free(loop);
}

static void *open_loop(void *context, char *why) {
  (void)context;
  int ends[2] = {-1, -1};
  loop *made = malloc(sizeof *made);
  if (!made) return NULL;
  bool is_open = pipe(ends) == 0;
  made->woken = ends[0];
  made->waker = ends[1];
  pthread_mutex_init(&made->mutex, NULL);
  if (is_open && prepare(ends[0]) && prepare(ends[1])) return made;
  snprintf(why, HELIOGRAPH_WHY, "no pipe: %s", strerror(errno));
  close_loop(made);
  return NULL;
}

static void wait_for(void *context, const heliograph_watch *watches, size_t count, int64_t most_ms) {
  loop *loop = context;
  struct pollfd all[MOST_WATCHES + 1] = {{loop->woken, POLLIN, 0}};
  nfds_t used = 1;
  for (size_t i = 0; i < count && i < MOST_WATCHES; i++) {
    int events = watches[i].events;
    short asked = (short)((events & HELIOGRAPH_READABLE ? POLLIN : 0) | (events & HELIOGRAPH_WRITABLE ? POLLOUT : 0));
    all[used++] = (struct pollfd){watches[i].descriptor, asked, 0};
  }
  poll(all, used, most_ms < 0 ? -1 : most_ms > INT_MAX ? INT_MAX : (int)most_ms);
  char bytes[64];
  while (read(loop->woken, bytes, sizeof bytes) > 0) continue;
}

/* A full pipe has woken it already. */
static void wake(void *context) {
  loop *loop = context;
  ssize_t ignored = write(loop->waker, "", 1);
  (void)ignored;
}

static void lock(void *context) { pthread_mutex_lock(&((loop *)context)->mutex); }

static void unlock(void *context) { pthread_mutex_unlock(&((loop *)context)->mutex); }

void posix_loop(heliograph_platform *platform) {
  platform->loop.open = open_loop;
  platform->loop.wait = wait_for;
  platform->loop.wake = wake;
  platform->loop.lock = lock;
  platform->loop.unlock = unlock;
  platform->loop.close = close_loop;
}
