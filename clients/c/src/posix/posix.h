/* The parts of the default platform. */
#ifndef POSIX_H
#define POSIX_H

#include "heliograph/platform.h"

#include "../names.h"

void posix_storage(heliograph_platform *platform);
void posix_clock(heliograph_platform *platform);
void posix_loop(heliograph_platform *platform);
void openssl_keys(heliograph_platform *platform);
void openssl_tls(heliograph_platform *platform);

#endif
