/*
 * A daemon that keeps a device connected, and hands each notification to a command.
 *
 *   pushd --url URL --code CODE [--ca FILE] --topic TOPIC [--channel ID] --directory DIR [--run COMMAND]
 *
 * COMMAND is run by the shell with the payload on its standard input and HELIOGRAPH_TOPIC, HELIOGRAPH_ID and, for a channel's,
 * HELIOGRAPH_CHANNEL in its environment. A notification is acknowledged when it exits with 0, and comes again otherwise.
 * Without COMMAND it is printed. SIGTERM and SIGINT let what runs finish, and end the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <heliograph/device.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t has_to_end;

static void on_signal(int number) {
  (void)number;
  has_to_end = 1;
}

static struct {
  heliograph_options device;
  const char *topic;
  const char *channel;
  const char *command;
} settings;

/* ── a notification at work, in a thread of its own: the connection goes on meanwhile ── */

typedef struct {
  const heliograph_notification *notification; /* valid until heliograph_finish */
  heliograph_handling *handling;
} job;

static bool write_all(int descriptor, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

/* In the child: becomes the command. */
static void become(const heliograph_notification *n, const int *ends) {
  dup2(ends[0], STDIN_FILENO);
  signal(SIGPIPE, SIG_DFL);
  setenv("HELIOGRAPH_TOPIC", n->topic, 1);
  setenv("HELIOGRAPH_ID", n->id, 1);
  if (n->channel) setenv("HELIOGRAPH_CHANNEL", n->channel, 1);
  execl("/bin/sh", "sh", "-c", settings.command, (char *)NULL);
  _exit(127);
}

/*
 * Starts the command, and sets `input` to the end of the pipe that it reads. One at a time: a child that is forked between
 * another one's pipe and its marks would hold that pipe open, and a command that reads to the end of its input would wait for
 * the other to end.
 */
static pid_t start_command(const heliograph_notification *n, int *input) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  int ends[2];
  pid_t child = -1;
  pthread_mutex_lock(&mutex);
  if (pipe(ends) == 0) {
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    child = fork();
    if (child == 0) become(n, ends);
    close(ends[0]);
    if (child < 0) close(ends[1]);
    *input = ends[1];
  }
  pthread_mutex_unlock(&mutex);
  return child;
}

static bool run_command(const heliograph_notification *n) {
  int input, status = 0;
  pid_t child = start_command(n, &input);
  if (child < 0) return false;
  bool is_given = write_all(input, n->payload, n->payload_size);
  close(input);
  /* a command that does not read its input may still have done its work */
  (void)is_given;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void *work(void *context) {
  job *given = context;
  bool is_taken = run_command(given->notification);
  heliograph_finish(given->handling, is_taken);
  free(given);
  return NULL;
}

static heliograph_outcome begin_job(const heliograph_notification *n, heliograph_handling *handling) {
  pthread_t thread;
  job *given = malloc(sizeof *given);
  if (!given) return HELIOGRAPH_FAILED;
  *given = (job){n, handling};
  if (pthread_create(&thread, NULL, work, given) != 0) {
    free(given);
    return HELIOGRAPH_FAILED;
  }
  pthread_detach(thread);
  return HELIOGRAPH_LATER;
}

/* ── what the device tells ── */

static heliograph_outcome on_notification(void *context, const heliograph_notification *n, heliograph_handling *handling) {
  (void)context;
  if (settings.command) return begin_job(n, handling);
  printf("%s %s%s: %s\n", n->topic, n->id, n->stored ? " (waited for us)" : "", n->payload);
  return fflush(stdout) == 0 ? HELIOGRAPH_TAKEN : HELIOGRAPH_FAILED;
}

static void on_event(void *context, const heliograph_event *event) {
  (void)context;
  if (event->kind == HELIOGRAPH_CONNECTED) fprintf(stderr, "connected as %s\n", event->device_id);
  if (event->kind == HELIOGRAPH_DISCONNECTED && event->retry_in_ms >= 0)
    fprintf(stderr, "%s; trying again in %lld ms\n", event->cause, (long long)event->retry_in_ms);
  if (event->kind == HELIOGRAPH_ERROR) fprintf(stderr, "%s: %s\n", event->error->reason, event->error->message);
  /* a provider needs the token, nobody else: a real program sends it there */
  if (event->kind == HELIOGRAPH_TOKEN) printf("send to %s with the token %s\n", event->topic, event->token);
  fflush(stdout);
}

/* For an answer that decides whether there is anything to do here: activation, registration. */
static void on_answer(void *context, const heliograph_error *error, const char *value) {
  (void)value;
  if (!error) return;
  fprintf(stderr, "%s: %s (%s)\n", (const char *)context, error->message, error->reason);
  /* what was not answered is repeated; what was refused is not */
  if (strcmp(error->reason, "Timeout") != 0 && strcmp(error->reason, "Closed") != 0) has_to_end = 1;
}

/* ── the command line ── */

static char *read_file(const char *name) {
  char *text = calloc(1, 65536);
  FILE *file = fopen(name, "r");
  size_t size = file && text ? fread(text, 1, 65535, file) : 0;
  if (file) fclose(file);
  if (size > 0) return text;
  fprintf(stderr, "%s cannot be read\n", name);
  exit(2);
}

static const char *value_of(int count, char **words, int *at) {
  if (*at + 1 < count) return words[++*at];
  fprintf(stderr, "%s needs a value\n", words[*at]);
  exit(2);
}

static void read_options(int count, char **words) {
  for (int at = 1; at < count; at++) {
    const char *name = words[at];
    if (strcmp(name, "--url") == 0) settings.device.activation_url = value_of(count, words, &at);
    else if (strcmp(name, "--code") == 0) settings.device.activation_code = value_of(count, words, &at);
    else if (strcmp(name, "--ca") == 0) settings.device.activation_ca = read_file(value_of(count, words, &at));
    else if (strcmp(name, "--directory") == 0) settings.device.directory = value_of(count, words, &at);
    else if (strcmp(name, "--topic") == 0) settings.topic = value_of(count, words, &at);
    else if (strcmp(name, "--channel") == 0) settings.channel = value_of(count, words, &at);
    else if (strcmp(name, "--run") == 0) settings.command = value_of(count, words, &at);
    else {
      fprintf(stderr, "no such option: %s\n", name);
      exit(2);
    }
  }
  if (settings.device.directory && settings.topic) return;
  fprintf(stderr, "pushd --url URL --code CODE [--ca FILE] --topic TOPIC [--channel ID] --directory DIR [--run COMMAND]\n");
  exit(2);
}

int main(int count, char **words) {
  read_options(count, words);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  signal(SIGPIPE, SIG_IGN); /* of a command that does not read what it is given */
  settings.device.on_event = on_event;

  heliograph_error error;
  heliograph_device *device = heliograph_open(&settings.device, &error);
  if (!device) {
    fprintf(stderr, "%s: %s\n", error.reason, error.message);
    return 1;
  }
  heliograph_on_notification(device, on_notification, NULL);
  heliograph_connect(device, on_answer, "not connected");
  heliograph_register(device, settings.topic, on_answer, "not registered");
  if (settings.channel) heliograph_join(device, settings.channel, on_answer, "not joined");

  while (!has_to_end && heliograph_step(device, 1000)) continue;
  heliograph_close(device, NULL, NULL);
  heliograph_run(device);
  /* not freed: a command that takes longer than close waits may still finish its handling */
  free((char *)settings.device.activation_ca);
  return 0;
}
