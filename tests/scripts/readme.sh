#!/usr/bin/env bash
# What README.md shows, and the plan of docs/ARCHITECTURE.md, is what happens: its C program is docs/examples/first.c, and the output
# under each '>>> ' and '$ ' line is what comes out.
set -euo pipefail
source=$1 build=$2
[ -x "$build/bin/einstride" ] || { echo "built without the prompt: skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$build/bin:$PATH
cd "$work"

awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$source/README.md" >first.c
diff "$source/docs/examples/first.c" first.c || { echo "README's program is not docs/examples/first.c" >&2; exit 1; }
[ "$(first)" = "8 512 28 28 " ] || { echo "docs/examples/first.c prints something else" >&2; exit 1; }

# A plan is that of one thread of a processor with vectors of 64 bytes.
if einstride --isa v64 -c 1 >got 2>&1; then
  awk '/^```text$/ { on = 1; next } /^```/ { on = 0 } on' "$source/README.md" >plan
  grep -q '^>>> .plan' plan || { echo "README shows no plan" >&2; exit 1; }
  sed -n 's/^>>> //p' plan | einstride --isa v64 --threads 1 - >got 2>&1
  diff <(grep -v '^>>> ' plan) got || { echo "README's plan (<) and today's (>) differ" >&2; exit 1; }
  step=$(awk '/^\*\*Plan/ { on = 1 } on && /^    \(/ { print; exit }' "$source/docs/ARCHITECTURE.md")
  einstride --isa v64 --threads 1 \
    -c ".plan 'b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w', (8,64,56,56), (64,64,3,3)" >got
  grep -qF -- "$step" got || { echo "docs/ARCHITECTURE.md shows another plan than" >&2; cat got >&2; exit 1; }
fi

# One file a block of a console.
awk '/^```console$/ { on = 1; n++; next } /^```/ { on = 0 } on { print > ("block" n) }' "$source/README.md"
for block in block*; do
  grep -vE '^(>>>|\$) ' "$block" >expected || true
  if grep -q '^>>> ' "$block"; then
    sed -n 's/^>>> //p' "$block" | einstride - >got 2>&1 || { cat got >&2; exit 1; }
  else
    sed -n 's/^\$ //p' "$block" | bash >got 2>&1 || true
  fi
  diff expected got || { echo "README (<) and reality (>) differ" >&2; exit 1; }
done
