#!/usr/bin/env bash
# The built library exports es_* only, never ends or talks to the process that uses it, and
# keeps no writable globals.
set -euo pipefail
build=$2
if grep -q '^EINSTRIDE_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
  echo "a sanitizer adds symbols of its own: skipped"
  exit 77
fi
library=$build/libeinstride.so archive=$build/libeinstride.a
bad=0
say() { echo "$*" >&2; bad=1; }

while IFS= read -r name; do
  case $name in es_*) ;; *) say "exported but not es_*: $name" ;; esac
done < <(nm -D --defined-only "$library" | awk '{ print $3 }')

# Ends the process, prints, reads the environment, or changes what belongs to the program.
forbidden="abort exit _exit _Exit quick_exit __assert_fail raise kill printf __printf_chk puts putchar fputs fputc
fwrite fprintf __fprintf_chk vprintf vfprintf perror psignal syslog stdin stdout stderr getenv secure_getenv setenv
putenv environ signal sigaction sigprocmask setlocale uselocale fesetround fesetenv feenableexcept srand rand random
system popen fork execve dlopen"
while IFS= read -r name; do
  for word in $forbidden; do
    if [ "$name" = "$word" ]; then say "used by the library: $name"; fi
  done
done < <(nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $2 }')

# .data and .bss hold what can be written; .data.rel.ro is read-only once loaded.
while IFS= read -r name; do
  say "a writable global: $name"
done < <(objdump -t "$archive" | awk '($4 ~ /^\.(data|bss|tdata|tbss)$/ || $5 ~ /^\.(data|bss)$/) &&
  $NF !~ /^\.(data|bss)/ { print $NF }')
exit $bad
