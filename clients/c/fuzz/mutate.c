/*
 * A fuzzer for compilers without libFuzzer: changes files of the corpus at random, always the same from the same seed.
 *
 *   fuzz-NAME [-runs=N] [-seed=N] FOLDER-OR-FILE...
 *
 * The input at work is kept in `crash-input`, so that it is there when a sanitizer ends the program.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_INPUT = 16384, MOST_FILES = 1000 };

typedef struct {
  uint8_t *bytes;
  size_t size;
} input;

static input corpus[MOST_FILES];
static size_t corpus_size;
static uint64_t state = 1;

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled"). */
static uint32_t draw(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void add_file(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = malloc(MOST_INPUT);
  if (file && bytes && corpus_size < MOST_FILES) corpus[corpus_size++] = (input){bytes, fread(bytes, 1, MOST_INPUT, file)};
  else free(bytes);
  if (file) fclose(file);
}

static void add_path(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) {
    add_file(path);
    return;
  }
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] != '.') add_file(name);
  }
  closedir(folder);
}

static size_t insert(uint8_t *bytes, size_t size, size_t at, const uint8_t *given, size_t count) {
  if (size + count > MOST_INPUT) return size;
  memmove(bytes + at + count, bytes + at, size - at);
  memcpy(bytes + at, given, count);
  return size + count;
}

static size_t mutate_once(uint8_t *bytes, size_t size) {
  static const char *const words[] = {"!e", "!c", "!f", "!t", "!u", "!r", "!j", "!l", "!d", "{", "}", "[", "\"", ",\"payload\":",
                                      "\\u0000", "-1", "1e999", "null", "true", "\xff", "\r\n", "0\r\n\r\n"};
  size_t at = size ? draw((uint32_t)size) : 0;
  const input *other = &corpus[draw((uint32_t)corpus_size)];
  const char *word = words[draw(sizeof words / sizeof *words)];
  size_t part = 1 + draw(16);
  switch (draw(7)) {
    case 0: if (size) bytes[at] ^= (uint8_t)(1u << draw(8)); return size;
    case 1: if (size) bytes[at] = (uint8_t)draw(256); return size;
    case 2: return insert(bytes, size, at, (const uint8_t *)word, strlen(word));
    case 3:
      if (part > size - at) part = size - at;
      memmove(bytes + at, bytes + at + part, size - at - part);
      return size - part;
    case 4: return size ? at : 0;
    case 5:
      if (other->size == 0) return size;
      part = draw((uint32_t)other->size);
      return insert(bytes, size, at, other->bytes + part, other->size - part);
    default:
      if (part > size - at) part = size - at;
      for (size_t i = 0; i < part; i++) bytes[at + i] = (uint8_t)draw(256);
      return size;
  }
}

static void run(uint8_t *bytes, size_t size) {
  /* of its own size, so that a read behind its end is seen */
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) abort();
  memcpy(copy, bytes, size);
  FILE *kept = fopen("crash-input", "wb");
  if (kept) {
    fwrite(bytes, 1, size, kept);
    fclose(kept);
  }
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

int main(int count, char **words) {
  long runs = 10000;
  for (int i = 1; i < count; i++) {
    if (sscanf(words[i], "-runs=%ld", &runs) == 1) continue;
    unsigned long long seed;
    if (sscanf(words[i], "-seed=%llu", &seed) == 1) state = seed ? seed : 1;
    else if (words[i][0] != '-') add_path(words[i]);
  }
  static uint8_t bytes[MOST_INPUT];
  if (corpus_size == 0) add_path("/dev/null");
  for (size_t i = 0; i < corpus_size; i++) run(corpus[i].bytes, corpus[i].size);
  for (long i = 0; i < runs; i++) {
    const input *from = &corpus[draw((uint32_t)corpus_size)];
    size_t size = from->size;
    memcpy(bytes, from->bytes, size);
    for (uint32_t times = 1 + draw(6); times > 0; times--) size = mutate_once(bytes, size);
    run(bytes, size);
  }
  remove("crash-input");
  printf("%zu files of the corpus and %ld changed ones\n", corpus_size, runs);
  for (size_t i = 0; i < corpus_size; i++) free(corpus[i].bytes);
  return 0;
}
