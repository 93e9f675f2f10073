#!/usr/bin/env bash
# The built library and binaries: addresses are bound when they are loaded and read-only from then on, the stack does
# not run, no memory is writable and executable, code is never patched, and binaries load anywhere.
set -euo pipefail
build=$2
if grep -q '^EINSTRIDE_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
  echo "a sanitizer links as it must: skipped"
  exit 77
fi
if grep -q '^EINSTRIDE_HARDEN:BOOL=OFF' "$build/CMakeCache.txt"; then
  echo "built without hardening: skipped"
  exit 77
fi
bad=0
say() { echo "$*" >&2; bad=1; }

for file in "$build"/libeinstride.so "$build"/bin/einstride "$build"/bin/einstride-bench; do
  if [ ! -e "$file" ]; then
    case $file in
      *.so) say "$file is not there" ;; # the others are options of the build
    esac
    continue
  fi
  segments=$(readelf -lW "$file") dynamic=$(readelf -dW "$file")
  grep -q GNU_RELRO <<<"$segments" || say "$file: no relro segment"
  grep -qE 'FLAGS_1.*\bNOW\b' <<<"$dynamic" || say "$file: bound at the first call (no -z now)"
  grep -qE 'GNU_STACK.* RW +0x' <<<"$segments" || say "$file: the stack may be executable"
  if grep -qE '^ +LOAD.* RWE +0x' <<<"$segments"; then say "$file: a segment is writable and executable"; fi
  if grep -q TEXTREL <<<"$dynamic"; then say "$file: code is relocated when it is loaded"; fi
  case $file in
    *.so) ;;
    *) grep -qE 'FLAGS_1.*\bPIE\b' <<<"$dynamic" || say "$file: not position-independent" ;;
  esac
done
exit $bad
