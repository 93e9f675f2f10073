#!/usr/bin/env bash
# Every block of script in the manual runs: ```es … ``` in docs/*.md.
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v work="$work" '
  /^```es$/ { inside = 1; file = sprintf("%s/%04d.es", work, ++n); printf "# %s:%d\n", FILENAME, FNR > file; next }
  /^```/ { inside = 0; if (file) close(file); file = ""; next }
  inside { print > file }' "$source_dir"/docs/*.md
count=0
for block in "$work"/*.es; do
  count=$((count + 1))
  if ! "$build_dir/bin/einstride" "$block" >"$work/out" 2>&1; then
    echo "a block of the manual fails:" >&2
    cat "$block" "$work/out" >&2
    exit 1
  fi
done
echo "$count blocks ran"
[ "$count" -gt 40 ]
