#!/bin/sh
# The driver of this SDK for the device conformance suite, after `mvn package` (or test-compile).
here="$(cd "$(dirname "$0")/.." && pwd)"
# The suite starts hundreds of short runs: the quick compiler is the better one.
exec java -XX:TieredStopAtLevel=1 -cp "$here/target/classes:$here/target/test-classes:$here/target/lib/*" \
  io.heliograph.device.conformance.Driver
