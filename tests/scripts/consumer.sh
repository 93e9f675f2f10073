#!/usr/bin/env bash
# A program outside the tree finds the installed library, through CMake and through
# pkg-config, shared and static, in C and in C++. The headers are C99 and C++11.
set -euo pipefail
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
flags=$(sed -n 's/^CMAKE_C_FLAGS:STRING=//p; s/^EINSTRIDE_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt" | xargs)
suffix=$(sed -n 's/^CMAKE_FIND_LIBRARY_CUSTOM_LIB_SUFFIX:[A-Z]*=//p' "$build/CMakeCache.txt") # of /usr/lib32

for header in einstride.h einstride/layers.h einstride/io.h; do
  echo "#include <$header>" >"$work/header.c"
  echo "int main(void) { return 0; }" >>"$work/header.c"
  "$cc" -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$source/include" "$work/header.c"
  c++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$source/include" "$work/header.c"
done

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
mv "$work/prefix" "$work/moved" # an installed tree may be moved
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name libeinstride.so)")

cat >"$work/main.c" <<'C'
#include <einstride.h>
#include <einstride/io.h>
#include <einstride/layers.h>
#include <stdio.h>
int main(void) {
  es_ctx *es = es_ctx_create(NULL);
  int64_t shape[2] = {2, 2};
  es_tensor *in[2], *y;
  double sum = 0;
  in[0] = es_ramp(es, ES_F64, 2, shape);
  in[1] = es_ramp(es, ES_F64, 2, shape);
  y = es_einsum(es, "i j, i j ->", in, 2, NULL);
  es_read(es, y, ES_F64, &sum, y ? 1 : 0);
  printf("%s %g %s\n", es_version(), sum, es_error_text(es));
  es_ctx_destroy(es);
  return 0;
}
C
cp "$work/main.c" "$work/main.cpp"
cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C CXX)
find_package(einstride 0.1 REQUIRED)
foreach(kind einstride static)
  add_executable(c_${kind} main.c)
  add_executable(cpp_${kind} main.cpp)
  target_link_libraries(c_${kind} einstride::${kind})
  target_link_libraries(cpp_${kind} einstride::${kind})
endforeach()
CMAKE

want="0.1.0 14 "
expect() {
  local got
  got=$("$@") || { echo "$* failed" >&2; exit 1; }
  [ "$got" = "$want" ] || { echo "$*: '$got', not '$want'" >&2; exit 1; }
}

generator=$(sed -n 's/^CMAKE_GENERATOR:[A-Z]*=//p' "$build/CMakeCache.txt")
build_with_cmake() {
  cmake -G "$generator" -S "$work" -B "$work/b" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" ${suffix:+-DCMAKE_FIND_LIBRARY_CUSTOM_LIB_SUFFIX=$suffix} &&
    cmake --build "$work/b"
}
build_with_cmake >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log" >&2; exit 1; }
for program in c_einstride cpp_einstride c_static cpp_static; do expect "$work/b/$program"; done

export PKG_CONFIG_PATH=$libdir/pkgconfig
[ "$(pkg-config --modversion einstride)" = 0.1.0 ]
# shellcheck disable=SC2046,SC2086
{
  "$cc" $flags -o "$work/p" "$work/main.c" $(pkg-config --cflags --libs einstride)
  "$cc" $flags -o "$work/q" "$work/main.c" $(pkg-config --cflags einstride) "$libdir/libeinstride.a" \
    $(pkg-config --static --libs einstride | sed 's/-leinstride//')
}
LD_LIBRARY_PATH=$libdir expect "$work/p"
expect "$work/q"
