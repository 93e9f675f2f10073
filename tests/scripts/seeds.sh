#!/usr/bin/env bash
# The cells of the five seed documents: what they print ('#= ' lines of the script)
# and which errors they give ('#! ' lines).
set -u
source=$1
program=$2/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

for script in "$source"/docs/examples/seeds/*.es; do
  count=$((count + 1))
  name=$(basename "$script")
  "$program" --keep-going "$script" >"$work/out" 2>"$work/err"
  sed 's/[ ]*$//' "$work/out" >"$work/printed"
  sed -n 's/^#=$//p; s/^#= //p' "$script" >"$work/expected"
  sed -n 's/^.*\.es:[0-9]*:[0-9]*: error: //p' "$work/err" >"$work/errors"
  sed -n 's/^#! //p' "$script" >"$work/expected_errors"
  diff -u "$work/expected" "$work/printed" || { echo "$name prints something else"; failed=1; }
  diff -u "$work/expected_errors" "$work/errors" || { echo "$name: other errors"; failed=1; }
  [ -s "$work/expected" ] || { echo "$name expects nothing"; failed=1; }
done
[ "$count" -eq 5 ] || { echo "found $count seed scripts instead of 5"; failed=1; }
exit $failed
