/* The storage of the default platform, on a real disk. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heliograph/platform.h"
#include "test.h"

static heliograph_platform platform;
static char directory[256], why[HELIOGRAPH_WHY];

static void check_file(void *storage, const char *name, const char *expected) {
  char *bytes = NULL;
  size_t size = 0;
  CHECK(platform.storage.read(storage, name, 1000, &bytes, &size, why) == 1);
  CHECK(size == strlen(expected) && memcmp(bytes, expected, size) == 0);
  free(bytes);
  char path[512];
  struct stat found;
  CHECK(stat(platform.storage.path(storage, name, path, sizeof path), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

static void keeps_files(void *storage) {
  char *bytes = NULL;
  size_t size = 0;
  CHECK(platform.storage.read(storage, "none", 1000, &bytes, &size, why) == 0);
  CHECK(platform.storage.replace(storage, "a", "one", 3, why));
  check_file(storage, "a", "one");
  CHECK(platform.storage.replace(storage, "a", "", 0, why));
  check_file(storage, "a", "");
  CHECK(platform.storage.append(storage, "b", "x\n", 2, why) && platform.storage.append(storage, "b", "y\n", 2, why));
  check_file(storage, "b", "x\ny\n");
  CHECK(platform.storage.read(storage, "b", 3, &bytes, &size, why) == -1 && !bytes && why[0]);
}

/* A link in the place of the temporary file is not written through. */
static void follows_no_link(void *storage) {
  char link[512], target[512];
  snprintf(target, sizeof target, "%s/target", directory);
  snprintf(link, sizeof link, "%s/below/state/a.tmp", directory);
  CHECK(symlink(target, link) == 0);
  CHECK(platform.storage.replace(storage, "a", "two", 3, why));
  check_file(storage, "a", "two");
  CHECK(access(target, F_OK) != 0);
}

static void makes_its_directory(void) {
  char path[512];
  struct stat found;
  snprintf(path, sizeof path, "%s/below", directory);
  CHECK(stat(path, &found) == 0 && (found.st_mode & 0777) == 0700);
  snprintf(path, sizeof path, "%s/below/state/a/no-directory", directory);
  CHECK(!platform.storage.open(NULL, path, why) && why[0]);
}

static void clean_up(void) {
  const char *const names[] = {"/below/state/a", "/below/state/b", "/below/state", "/below", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", directory, names[i]);
    CHECK(remove(path) == 0);
  }
}

int main(void) {
  const char *below = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/heliograph-c-XXXXXX", below ? below : "/tmp");
  CHECK(mkdtemp(directory));
  heliograph_default_platform(&platform);
  char path[512];
  snprintf(path, sizeof path, "%s/below/state", directory);
  void *storage = platform.storage.open(NULL, path, why);
  CHECK(storage);
  keeps_files(storage);
  follows_no_link(storage);
  makes_its_directory();
  platform.storage.close(storage);
  clean_up();
  return 0;
}
