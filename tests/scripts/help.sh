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

# Of the entries without an example of their own those of layers, whose lines stand in a table.
declare -A layer_lines=()
mapfile -t names < <(sed -n 's/^= \([^ ]*\).*/\1/p' "$source_dir"/repl/help/*.txt)
at=0 lines=() layer=
while IFS= read -r line; do
  case $line in
  *"no help for '@@'"*)
    [ -z "$layer" ] || printf -v "layer_lines[x${names[$at]}]" '%s\n' "${lines[@]}"
    at=$((at + 1)) lines=() layer=
    ;;
  '  expression '*) layer=1 ;;
  '>>> '*) lines+=("$line") ;;
  esac
done < <(printf '?%s\n?@@\n' "${names[@]}" | "$program" --keep-going - 2>&1)

entries=0
finish_entry() { # the entry in head and examples, made anew
  local layer=${layer_lines["x$name"]-}
  [ ${#head[@]} -gt 0 ] || return 0
  if [ ${#examples[@]} -gt 0 ]; then
    printf '%s\n' "${head[@]}"
    printf '%s\n' "${examples[@]}" | run_lines
  elif [ -n "$layer" ]; then
    echo "${head[0]}"
    printf %s "$layer" | run_lines quiet
  else
    while [ -z "${head[-1]}" ]; do unset 'head[-1]'; done # without empty lines at the end
    printf '%s\n' "${head[@]}"
  fi
  echo
}

for file in "$source_dir"/repl/help/*.txt; do
  made=$work/${file##*/} head=() examples=() name=
  : >"$made"
  while IFS= read -r line; do
    if [[ $line == '= '* ]]; then
      finish_entry >>"$made"
      name=${line#= } name=${name%% *} head=("$line") examples=() entries=$((entries + 1))
    elif [[ $line == '>>> '* ]]; then
      examples+=("$line")
    elif [ ${#examples[@]} -eq 0 ]; then
      head+=("$line")
    fi
  done <"$file"
  finish_entry >>"$made"
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
instead=$(awk '/^= /{ name = $2; getline; if (/^write /) print name, $0 }' "$source_dir"/repl/help/*.txt)
shown=$(cut -d ' ' -f 1 <<<"$instead" | "$program" --keep-going - 2>&1 || true)
while read -r name line; do
  awk -v name="'$name'" -v line="  $line" '/error:/ { at = index($0, name) } at && $0 == line { found = 1 }
    END { exit !found }' <<<"$shown" || say "'$name' alone does not show '$line'"
done <<<"$instead"
wide=$(cat "$source_dir"/repl/help/*.txt "$source_dir/repl/commands/tour.txt" | LC_ALL=C.UTF-8 wc -L)
[ "$wide" -le 80 ] || say "a line of the help is $wide columns wide, a terminal has 80"
wide=$("$program" -c $'.set\n.help commands' | LC_ALL=C.UTF-8 wc -L)
[ "$wide" -le 80 ] || say ".set or .help commands is $wide columns wide"
[ "$("$program" -c .help | wc -l)" -le 23 ] || say ".help does not fit a terminal of 24 lines"
[ "$failed" -eq 0 ] && echo "$entries entries"
exit $failed
