#!/usr/bin/env bash
# Pictures: what .diagram, .show, .explain and .tour print, at several widths, is that of
# tests/golden/; SVG is well-formed and the same; PNG can be read again.
# pictures.sh SOURCE BUILD --write writes the golden files.
set -euo pipefail
source_dir=$(realpath "$1") build_dir=$(realpath "$2") write=${3:-}
program=$build_dir/bin/einstride
[ -x "$program" ] || { echo "built without the prompt: skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$source_dir/tests/support/transcript.sh"
golden=$source_dir/tests/golden
failed=0
say() { echo "$*" >&2; failed=1; }

same() { # FILE: the one in $work against the golden one
  if [ "$write" = --write ]; then cp "$work/$1" "$golden/$1"; return; fi
  diff "$golden/$1" "$work/$1" || say "tests/golden/$1 (<) and what is drawn (>) differ"
}

# Blocks of commands, each under its width: '== COLUMNS'.
COLUMNS=80
: >"$work/pictures.txt"
rm -rf "$work/parts"
mkdir "$work/parts"
awk -v to="$work/parts" '/^== / { part = sprintf("%s/%04d", to, ++n) } { print > part }' "$golden/pictures.txt"
for part in "$work"/parts/*; do
  head -n 1 "$part" >>"$work/pictures.txt"
  COLUMNS=$(sed -n '1s/^== //p' "$part")
  # Times are the machine's.
  grep '^>>> ' "$part" | run_lines | sed -E 's/(measured|predicted) [0-9.e+-]+ [mnu]?s/\1 SECONDS/g' >>"$work/pictures.txt"
done
same pictures.txt

COLUMNS=80
"$program" --isa v16 --threads 1 -c .tour >"$work/tour.txt" || say ".tour fails"
same tour.txt
grep -qi error "$work/tour.txt" && say "an error in the tour"
[ "$(printf '.tour 16\n' | "$program" | head -n 1)" = "16/16  Attention" ] || say ".tour 16"

svg() { # NAME COMMAND
  "$program" --isa v16 --threads 1 -c "$2 --svg $work/$1.svg" >"$work/out" 2>&1 || say "$2: $(cat "$work/out")"
  [ -s "$work/out" ] && say "$2 prints beside its file"
  if command -v xmllint >/dev/null; then xmllint --noout "$work/$1.svg" || say "$1.svg is not well-formed"; fi
  same "$1.svg"
}
svg convolution ".diagram 'b c (2*h+kh-1)?0 w, o c kh -> b o h w', (2,3,8,8), (4,3,3)"
svg card ".diagram 'h w -> (w h)'"
svg batch ".diagram 'a x, b x, c x -> a b c x', (2,5), (3,5), (4,5)"
svg quoted ".diagram 'i -> i | (min,+)', (3,)"
svg parts ".diagram 'c x, c y -> c (x ^ y)'"
svg heat ".show arange(2,3,4) - 9.5"
svg digits ".show tensor([[-0.125, 1/3], [2.5, -1.75]])"
svg special ".show tensor([[1.0, nan], [inf, -inf]])"
"$program" -c ".explain 'i j, j k -> i k', (3,4), (4,5) --svg $work/steps.svg"
if command -v xmllint >/dev/null; then xmllint --noout "$work/steps.svg" || say "steps.svg is not well-formed"; fi
# Of a program every step is drawn, the functions between its patterns too.
"$program" -c "x, w = ones(2,3), ones(4,3)
.diagram 'a = softmax(x); h = relu([a: b c, w: o c -> b o] * 2); y = h + [a: b c -> b 1]' --svg $work/program.svg"
steps=$(grep -o ">\(softmax\|b c, o c\|b c -\|h + \)[^<]*" "$work/program.svg" | wc -l)
[ "$steps" = 4 ] || say "the picture of a program has $steps of its 4 steps"
"$program" -c ".explain 'i j, j k -> i k', (3,4), (4,5) --json" >"$work/steps.json"
"$program" -c ".explain 'i j, j k -> i k', (3,4), (4,5) --dot" | grep -q '^digraph plan {' || say "no DOT"
if command -v python3 >/dev/null; then python3 -m json.tool "$work/steps.json" >/dev/null || say "no JSON"; fi

if "$program" -c ".show arange(3,5) --png $work/x.png" 2>"$work/err"; then
  [ "$("$program" -c "load('$work/x.png').shape")" = "(306, 510, 3)" ] || say "the PNG has another size"
  corner=$("$program" -c "load('$work/x.png')[0,0].tolist(), load('$work/x.png')[-1,-1].tolist()")
  [ "$corner" = "([68, 1, 84], [253, 231, 37])" ] || say "the corners are $corner"
else
  grep -q UNSUPPORTED "$work/err" || say "$(cat "$work/err")"
fi

# The pictures of the manual are those that its script draws.
mkdir "$work/manual"
(cd "$work/manual" && "$program" "$source_dir/docs/pictures/pictures.es") || say "docs/pictures/pictures.es fails"
for picture in "$work"/manual/*.svg; do
  cmp "$picture" "$source_dir/docs/pictures/$(basename "$picture")" || say "./dev manual draws docs/pictures/ anew"
done

# Colours: only where they are wanted; a terminal without true colour gets those of its palette.
unset NO_COLOR
"$program" -c ".show arange(4)" | grep -q "$(printf '\033')" && say "colours in a pipe"
"$program" --color always -c ".show arange(4)" | grep -q "$(printf '\033\\[38;5;')" || say "no colours of 256"
COLORTERM=truecolor "$program" --color always -c ".show arange(4)" | grep -q "$(printf '\033\\[38;2;')" || say "no true colour"
"$program" --color always -c ".diagram 'i j -> j'" | grep -q "$(printf '\033\\[38;5;')" || say "no colours of labels"
exit $failed
