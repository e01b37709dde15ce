/* State files: whole after a crash, and readable by their owner alone. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix.h"

/* A path below the state directory. */
typedef char path[PATH_MAX];

typedef struct {
  path directory;
} storage;

static bool explain(char *why) {
  snprintf(why, HELIOGRAPH_WHY, "%s", strerror(errno));
  return false;
}

static bool join(const storage *storage, const char *name, const char *ending, char *joined) {
  int size = snprintf(joined, PATH_MAX, "%s/%s%s", storage->directory, name, ending);
  if (size > 0 && size < PATH_MAX) return true;
  errno = ENAMETOOLONG;
  return false;
}

/* Makes a directory and those above it; one that is there keeps its mode. */
static bool make_directory(const char *directory) {
  path part;
  size_t size = strlen(directory);
  if (size == 0 || size >= sizeof part) return errno = ENAMETOOLONG, false;
  for (size_t at = 1; at <= size; at++) {
    if (directory[at] != '/' && directory[at] != '\0') continue;
    memcpy(part, directory, at);
    part[at] = '\0';
    if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
  }
  struct stat found;
  if (stat(directory, &found) != 0) return false;
  if (!S_ISDIR(found.st_mode)) return errno = ENOTDIR, false;
  return true;
}

static void *open_storage(void *context, const char *directory, char *why) {
  (void)context;
  storage *made = malloc(sizeof *made);
  if (!made || !make_directory(directory) || !realpath(directory, made->directory)) {
    explain(why);
    free(made);
    return NULL;
  }
  return made;
}

static bool read_whole(int descriptor, size_t most, char **bytes, size_t *size) {
  struct stat found;
  if (fstat(descriptor, &found) != 0) return false;
  if (!S_ISREG(found.st_mode) || (uint64_t)found.st_size > most) return errno = EFBIG, false;
  size_t room = (size_t)found.st_size;
  *bytes = malloc(room + 1);
  *size = 0;
  while (*bytes && *size < room) {
    ssize_t got = read(descriptor, *bytes + *size, room - *size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    *size += (size_t)got;
  }
  return *bytes != NULL;
}

static int read_file(void *context, const char *name, size_t most, char **bytes, size_t *size, char *why) {
  path joined;
  *bytes = NULL;
  if (!join(context, name, "", joined)) return explain(why), -1;
  int descriptor = open(joined, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? 0 : (explain(why), -1);
  bool is_read = read_whole(descriptor, most, bytes, size);
  if (!is_read) {
    explain(why);
    free(*bytes);
    *bytes = NULL;
  }
  close(descriptor);
  return is_read ? 1 : -1;
}

static bool write_whole(int descriptor, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

/* The rename itself lasts only once the directory is on disk. */
static bool sync_directory(const char *directory) {
  int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  bool is_synced = fsync(descriptor) == 0;
  close(descriptor);
  return is_synced;
}

static bool write_new(const char *name, const char *bytes, size_t size) {
  if (unlink(name) != 0 && errno != ENOENT) return false;
  /* O_EXCL: a file or link that somebody put there meanwhile is not followed */
  int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  bool is_written = write_whole(descriptor, bytes, size) && fsync(descriptor) == 0;
  int kept = errno;
  if (close(descriptor) != 0 && is_written) return false;
  errno = kept;
  return is_written;
}

static bool replace_file(void *context, const char *name, const char *bytes, size_t size, char *why) {
  const storage *storage = context;
  path joined, temporary;
  bool is_kept = join(storage, name, "", joined) && join(storage, name, ".tmp", temporary) &&
                 write_new(temporary, bytes, size) && rename(temporary, joined) == 0 &&
                 sync_directory(storage->directory);
  return is_kept || explain(why);
}

/* A failure leaves no part of it. */
static bool append_whole(int descriptor, const char *bytes, size_t size) {
  struct stat before;
  if (fstat(descriptor, &before) != 0) return false;
  if (write_whole(descriptor, bytes, size)) return true;
  int kept = errno;
  int ignored = ftruncate(descriptor, before.st_size);
  (void)ignored;
  errno = kept;
  return false;
}

static bool append_file(void *context, const char *name, const char *bytes, size_t size, char *why) {
  path joined;
  if (!join(context, name, "", joined)) return explain(why);
  int descriptor = open(joined, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) return explain(why);
  bool is_written = append_whole(descriptor, bytes, size) || explain(why);
  close(descriptor);
  return is_written;
}

static const char *path_of(void *context, const char *name, char *buffer, size_t size) {
  snprintf(buffer, size, "%s/%s", ((storage *)context)->directory, name);
  return buffer;
}

void posix_storage(heliograph_platform *platform) {
  platform->storage.open = open_storage;
  platform->storage.read = read_file;
  platform->storage.replace = replace_file;
  platform->storage.append = append_file;
  platform->storage.path = path_of;
  platform->storage.close = free;
}
