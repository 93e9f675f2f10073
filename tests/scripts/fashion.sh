#!/usr/bin/env bash
# The main example on real pictures: the C program and the script print the same numbers,
# and the contact sheet is a picture.
set -euo pipefail
source=$1 build=$2
data=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
[ -e "$data" ] || { echo "no $data (Debian: dataset-fashion-mnist): skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! "$build/bin/fashion" "$work/sheet.png" >"$work/c.txt" 2>"$work/err"; then
  cat "$work/err" >&2
  if grep -q 'this build has no libpng' "$work/err"; then exit 77; fi
  exit 1
fi
grep -q "largest difference of the two: 0$" "$work/c.txt" ||
  { echo "separable and full filters differ" >&2; exit 1; }
[ "$(head -c 4 "$work/sheet.png" | tail -c 3)" = PNG ] || { echo "no picture was written" >&2; exit 1; }

[ -x "$build/bin/einstride" ] || { echo "built without the prompt: its half is skipped"; exit 0; }
"$build/bin/einstride" "$source/docs/examples/fashion.es" >"$work/es.txt"
numbers() { awk '{ printf "%.6g\n", $1 }'; }
grep -E '^(edges|steered|shuffled|pooled) +mean' "$work/c.txt" | awk '{ print $3; print $5 }' | numbers >"$work/c.numbers"
grep -E '^f32\[\]' "$work/es.txt" | awk '{ print $2 }' | tail -n 8 | numbers >"$work/es.numbers"
[ "$(wc -l <"$work/c.numbers")" -eq 8 ] || { echo "eight numbers were expected:" >&2; cat "$work/c.txt" >&2; exit 1; }
diff "$work/c.numbers" "$work/es.numbers" || { echo "C (<) and script (>) differ" >&2; cat "$work/es.txt" >&2; exit 1; }
