#!/usr/bin/env bash
# Builds the C SDK with sanitizers and runs its tests, its fuzzers and some of the rules for devices; then installs it into
# an empty folder and builds the README's program and the example there. Says SKIPPED where a compiler or headers are missing.
set -euo pipefail
cd "$(dirname "$0")"

skip() {
  echo "SKIPPED: the C SDK, as $1"
  exit 0
}

for tool in cmake make pkg-config "${CC:-cc}"; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
pkg-config --exists libcjson || skip "there is no libcjson-dev"
pkg-config --exists 'openssl >= 3' || skip "there is no libssl-dev with OpenSSL 3"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# AddressSanitizer of older compilers ends at random where the kernel scatters addresses widely.
if [ -z "${C_RESTARTED:-}" ] && [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] &&
  setarch "$(uname -m)" -R true 2>/dev/null; then
  rm -rf "$work"
  C_RESTARTED=1 exec setarch "$(uname -m)" -R bash test.sh
fi

sanitizers=address,undefined
runs_well() { for _ in 1 2 3 4 5 6 7 8; do "$1" || return 1; done; }
printf 'int main(void) { return 0; }\n' >"$work/probe.c"
if ! "${CC:-cc}" -fsanitize=$sanitizers "$work/probe.c" -o "$work/probe" 2>/dev/null ||
  ! runs_well "$work/probe" 2>/dev/null; then
  echo "SKIPPED: sanitizers, as ${CC:-cc} cannot build with them here"
  sanitizers=
fi

build() {
  cmake "$@" >"$work/log" && cmake --build "$2" -j 2 >>"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
  }
  grep 'warning:' "$work/log" || true
}

build -B "$work/checked" -S . -DCMAKE_BUILD_TYPE=Debug -DHELIOGRAPH_SANITIZE="$sanitizers" -DHELIOGRAPH_FUZZ=ON
ctest --test-dir "$work/checked" --output-on-failure | tail -n 4
"$work/checked/fuzz-seeds" "$work/corpus"
(
  cd "$work"
  for name in mqtt http messages state session; do
    checked/fuzz-$name -runs="${C_FUZZ_RUNS:-4000}" -seed="${C_FUZZ_SEED:-1}" corpus/$name 2>&1 | tail -n 20
  done
)

# Without a platform of its own, and with another memory: the parts still build, and their tests hold.
build -B "$work/bare" -S . -DHELIOGRAPH_PLATFORM=OFF -DHELIOGRAPH_REMEMBERED_IDS=50
ctest --test-dir "$work/bare" --output-on-failure | tail -n 4

# As a stranger has it: a static library without a name that is not its own, and a shared one in a folder of its own.
build -B "$work/static" -S . -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF
strays="$(nm --defined-only --extern-only "$work/static/libheliograph-device.a" | awk 'NF == 3 { print $3 }' | grep -v '^heliograph_' || true)"
[ -z "$strays" ] || { echo "names without heliograph_ in the static library: $strays"; exit 1; }
export HOME="$work/home"
mkdir -p "$HOME/program"
lines="$(sed -n '/^```sh$/,/^```$/p' README.md | grep -v -e '^```' -e '^sudo apt')"
sed -n '/^```c program.c$/,/^```$/p' README.md | grep -v '^```' >"$HOME/program/program.c"
cp examples/pushd.c "$HOME/program"
mkdir "$work/source"
cp -r CMakeLists.txt heliograph-device.pc.in LICENSE README.md include src "$work/source"
# the README's lines, but for the last one, in the folder of the source; the last one where the program is
(cd "$work/source" && eval "$(printf '%s\n' "$lines" | sed '$d')" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; })
export PKG_CONFIG_PATH="$(dirname "$(find "$HOME/.local" -name heliograph-device.pc)")"
(
  cd "$HOME/program"
  eval "$(printf '%s\n' "$lines" | tail -n 1)"
  cc -std=c99 -D_XOPEN_SOURCE=700 pushd.c $(pkg-config --cflags --libs heliograph-device) -pthread \
    -Wl,-rpath,"$(pkg-config --variable=libdir heliograph-device)" -o pushd
)

cd ../..
npx tsx --conditions=heliograph test/c/served.ts "$HOME/program"
npm run conformance:device -- --command "$work/checked/conformance-driver" --failed --jobs 2 \
  --only "${C_CASES:-A1,A3,A8,A10,A11,C1,C3,C8,C11,C13,R1,N1,N2,N3,N7,N8,N18,N19,J2,J3,J13,W2,M1,M10,T1,S2,C2,S5}"
