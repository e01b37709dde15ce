/* The example runs its commands side by side: no pipe of one holds up another. */
#define main pushd_main
#include "../examples/pushd.c"
#undef main

#include "test.h"

enum { THREADS = 4, COMMANDS = 150 };

static void *run_many(void *context) {
  heliograph_notification n = {.id = "a", .topic = "t", .payload = "{}", .payload_size = 2};
  for (int i = 0; i < COMMANDS; i++) CHECK(run_command(&n));
  return context;
}

/* With the commands that wait for each other. */
static void give_up(int number) {
  (void)number;
  kill(0, SIGKILL);
}

int main(void) {
  pthread_t threads[THREADS];
  settings.command = "cat >/dev/null";
  signal(SIGPIPE, SIG_IGN);
  setpgid(0, 0);
  signal(SIGALRM, give_up);
  alarm(120); /* it would wait for ever */
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run_many, NULL) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
