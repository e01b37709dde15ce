#include <string.h>

#include "posix.h"

void heliograph_default_platform(heliograph_platform *platform) {
  memset(platform, 0, sizeof *platform);
  posix_storage(platform);
  posix_clock(platform);
  posix_loop(platform);
  openssl_keys(platform);
  openssl_tls(platform);
}
