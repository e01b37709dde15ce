/* A test is a function without arguments; the first that does not hold ends the program. */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                       \
  do {                                                                     \
    if (!(holds)) {                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);  \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

#define CHECK_SAME(got, expected)                                                                               \
  do {                                                                                                          \
    const char *is = (got), *should = (expected);                                                               \
    if (!is || !should || strcmp(is, should) != 0) {                                                            \
      fprintf(stderr, "%s:%d: %s, expected %s\n", __FILE__, __LINE__, is ? is : "NULL", should ? should : "NULL"); \
      exit(1);                                                                                                  \
    }                                                                                                           \
  } while (0)

#endif
