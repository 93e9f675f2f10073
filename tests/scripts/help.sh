#!/usr/bin/env bash
# Every example that ?name shows is run and prints what is stated; every function, layer,
# command and symbol has an entry, and none is wider than a terminal of 80 columns.
# help.sh SOURCE BUILD --write writes what the examples print into repl/help/.
set -euo pipefail
source_dir=$(realpath "$1") build_dir=$(realpath "$2") write=${3:-}
program=$build_dir/bin/einstride
[ -x "$program" ] || { echo "built without the prompt: skipped"; exit 77; }
work=$(mktemp -d)
. "$source_dir/tests/support/transcript.sh"
trap 'rm -rf "$work"' EXIT
failed=0
say() { echo "$*" >&2; failed=1; }

entries=0
for file in "$source_dir"/repl/help/*.txt; do
  rm -rf "$work/parts"
  mkdir "$work/parts"
  awk -v to="$work/parts" 'BEGIN { part = to "/0000" } /^= / { part = sprintf("%s/%04d", to, ++n) } { print > part }' "$file"
  made=$work/$(basename "$file")
  : >"$made"
  for part in "$work"/parts/*; do
    if [ "$(basename "$part")" = 0000 ]; then cat "$part" >>"$made"; continue; fi
    entries=$((entries + 1))
    name=$(sed -n '1s/^= \([^ ]*\).*/\1/p' "$part")
    if grep -q '^>>> ' "$part"; then
      sed '/^>>> /,$d' "$part" >>"$made"
      grep '^>>> ' "$part" | run_lines >>"$made"
    elif "$program" -c "?$name" | grep -q '^  expression '; then # a layer
      head -n 1 "$part" >>"$made"
      "$program" -c "?$name" | grep '^>>> ' | run_lines quiet >>"$made"
    else
      sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$part" >>"$made" # words alone, without empty lines at the end
    fi
    echo >>"$made"
  done
  sed -i '$d' "$made" # no empty line at the end
  if [ "$write" = --write ]; then
    cp "$made" "$file"
  else
    diff "$file" "$made" || say "$file (<) and what its examples print (>) differ: ./dev manual writes it"
  fi
done

has() { grep -qE "^= (.* )?$(printf %s "$1" | sed 's/[][\.*^$+?(){}|/]/\\&/g')( .*)?$" "$source_dir"/repl/help/*.txt; }
for name in $("$program" -c .functions | sed 's/.*\.//' | sort -u) \
  $("$program" -c '.help commands' | sed 's/ .*//') \
  '->' , '(' ')' '()' + - '*' '?' '?0' edge wrap reflect '^' '|' ... _ 1; do
  has "$name" || say "?$name has no entry in repl/help/"
done
# An error about a name that only other libraries have shows the line to write.
while read -r name line; do
  { "$program" -c "$name" 2>&1 || true; } | grep -qF "  $line" || say "'$name' alone does not show '$line'"
done < <(awk '/^= /{ name = $2; getline; if (/^write /) print name, $0 }' "$source_dir"/repl/help/*.txt)
wide=$(cat "$source_dir"/repl/help/*.txt "$source_dir/repl/commands/tour.txt" | LC_ALL=C.UTF-8 wc -L)
[ "$wide" -le 80 ] || say "a line of the help is $wide columns wide, a terminal has 80"
[ "$("$program" -c .help | wc -l)" -le 23 ] || say ".help does not fit a terminal of 24 lines"
[ "$failed" -eq 0 ] && echo "$entries entries"
exit $failed
