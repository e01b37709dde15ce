/* Without a platform of its own, the library needs the program's. */
#include <string.h>

#include "heliograph/platform.h"

void heliograph_default_platform(heliograph_platform *platform) { memset(platform, 0, sizeof *platform); }
