#!/usr/bin/env bash
# Builds the Java SDK, runs its tests and installs it, as its README says; runs the README's program and the example in an empty
# folder, and some of the rules for devices. Says SKIPPED where there is no Maven, no JDK 11
# or later, or no registry that answers: an empty project with the same pom.xml cannot be built then either.
set -euo pipefail
cd "$(dirname "$0")"

skip() {
  echo "SKIPPED: the Java SDK, as $1"
  exit 0
}

command -v mvn >/dev/null || skip "there is no mvn"
command -v javac >/dev/null || skip "there is no JDK"
version="$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')"
[ "${version:-0}" -ge 11 ] || skip "the JDK is no Java 11 or later"

probe="$(mktemp -d)"
trap 'rm -rf "$probe"' EXIT
mkdir -p "$probe/src/main/java/empty" "$probe/src/test/java/empty" "$probe/examples" "$probe/conformance"
cp pom.xml LICENSE "$probe"
printf 'package empty;\n\n/** Nothing. */\npublic interface Empty {}\n' >"$probe/src/main/java/empty/Empty.java"
printf 'package empty;\n\nclass EmptyTest {\n  @org.junit.jupiter.api.Test\n  void passes() {}\n}\n' \
  >"$probe/src/test/java/empty/EmptyTest.java"
unreached='Could not (transfer|resolve|find)|could not be resolved|was not found in|Cannot access|Unknown host|timed out'
status=0
# the last gets what `install` needs, and installs nothing
timeout --kill-after 10 "${JAVA_PROBE_SECONDS:-240}" mvn -q -B -f "$probe/pom.xml" package install:help >"$probe/log" 2>&1 || status=$?
if [ "$status" = 124 ] || [ "$status" = 137 ] || grep -qE "$unreached" "$probe/log"; then
  skip "Maven cannot get what it needs here"
elif [ "$status" != 0 ]; then
  cat "$probe/log"
  exit 1
fi

# Not -q: Surefire's counts are to be seen.
mvn -o -B -ntp install | grep -E '^\[(INFO\] (Tests run:|BUILD)|WARNING|ERROR)'
ls target/*.jar

cd ../..
npx tsx --conditions=heliograph test/java/run.ts
npm run conformance:device -- --command clients/java/conformance/driver.sh --failed --jobs 2 \
  --only "${JAVA_CASES:-A1,A3,A11,C1,C3,C8,C11,C13,R1,N1,N2,N7,N8,N20,J2,J3,J13,W2,M1,M10,T1,C2,S5}"
