#!/usr/bin/env bash
# Manual pages and shell completion: sound, they name the options and commands that there
# are, and their examples run.
set -u
source=$1 build=$2
program=$2/bin/einstride
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; failed=1; }

for page in "$source"/docs/man/*; do
  if command -v mandoc >/dev/null; then
    mandoc -Tlint -W warning "$page" || fail "$page"
  elif command -v groff >/dev/null; then
    [ -z "$(groff -mandoc -ww -z -Tutf8 "$page" 2>&1)" ] || fail "$page: $(groff -mandoc -ww -z "$page" 2>&1)"
  fi
  [ "$(awk 'length > 80' "$page" | grep -vc '^\.')" -eq 0 ] || fail "long lines in $page"
done

[ -x "$program" ] || { echo "no binary: built without the REPL"; exit $failed; }
"$program" --help | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u >"$work/options"
[ "$(wc -l <"$work/options")" -ge 10 ] || fail 'einstride --help shows no options'
while read -r option; do
  grep -q "^\.It Fl ${option#-}\( \|$\)" "$source/docs/man/einstride.1" || fail "einstride(1) has no $option"
  grep -q -- "$option\b" "$source/cmake/completions/einstride.bash" || fail "bash completion has no $option"
  grep -q -- "$option\b" "$source/cmake/completions/_einstride" || fail "zsh completion has no $option"
done <"$work/options"
grep -oE '^\.It Fl -?[a-z-]+' "$source/docs/man/einstride.1" | sed 's/^.It Fl /-/' | while read -r option; do
  grep -qx -- "$option" "$work/options" || { echo "einstride(1) knows $option, the program does not"; exit 1; }
done || failed=1

# einstride(1): commands, settings, examples.
for name in $("$program" -c '.help commands' | sed 's/ .*//') $("$program" -c .set | awk '{ print $1 }'); do
  grep -qE -- "^\.(It|Ic|Cm) (.*[ ,])?${name/./\\.}( |$)" "$source/docs/man/einstride.1" ||
    fail "einstride(1) has no $name"
done
literal() { awk '/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0 } on' "$1"; } # what its blocks show
(
  cd "$work" && export PATH=$(dirname "$program"):$PATH
  echo 'arange(2, 3)' >script.es
  einstride -c "save('x.npy', arange(2, 3))"
  command -v jq >/dev/null || jq() { grep -o '"shape":[^ ]*\]'; }
  literal "$source/docs/man/einstride.1" >examples
  [ "$(wc -l <examples)" -eq 3 ] || exit 1
  set -eo pipefail
  . ./examples >shown 2>&1
) || fail "an example of einstride(1): $(cat "$work/shown")"
grep -q '^(2, 3)$' "$work/shown" || fail "examples of einstride(1): $(cat "$work/shown")"

# einstride(3): its prototypes are those of the headers, its example compiles and runs.
{
  printf '#include <%s>\n' einstride.h einstride/io.h einstride/layers.h stdio.h
  awk '/^\.Ft / { type = substr($0, 5) }
    /^\.Fn es_[a-z_]* "/ && type {
      n = split($0, part, "\"")
      split(part[1], head, " ")
      arguments = part[2]
      for (i = 4; i < n; i += 2) arguments = arguments ", " part[i]
      printf "%s %s(%s);\n", type, head[2], arguments
      type = ""
    }' "$source/docs/man/einstride.3"
  echo 'int main(void) {'
  literal "$source/docs/man/einstride.3"
  echo '}'
} >"$work/example.c"
[ "$(grep -c '^[a-z].* \*\?es_[a-z_]*(.*);$' "$work/example.c")" -ge 10 ] || fail 'prototypes of einstride(3)'
read -ra flags < <(sed -n 's/^CMAKE_C_FLAGS:STRING=//p' "$build/CMakeCache.txt")
sanitize=$(sed -n 's/^EINSTRIDE_SANITIZE:STRING=//p' "$build/CMakeCache.txt")
[ -n "$sanitize" ] && flags+=("-fsanitize=$sanitize")
cc -Wall -Werror "${flags[@]}" -I"$source/include" "$work/example.c" -o "$work/example" -L"$build" -leinstride \
  -Wl,-rpath,"$build" -lm && [ -z "$("$work/example" 2>&1)" ] || fail 'einstride(3) does not compile and run'

# einstride-notation(7): every example is a pattern, its program a program.
page=$source/docs/man/einstride-notation.7
patterns=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.It Ql //p' "$page"; literal "$page" | head -n 1)
[ "$(wc -l <<<"$patterns")" -ge 7 ] || fail 'examples of einstride-notation(7)'
while read -r pattern; do
  "$program" -c ".dump '$pattern'" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
done <<<"$patterns"
{
  echo "x, w, bias = ones(2, 3, 8), ones(4, 3, 3), ones(4)"
  echo "program('''"
  literal "$page" | tail -n +2
  echo "''').shape"
} >"$work/program.es"
found=$("$program" "$work/program.es" 2>&1)
[ "$found" = '(2, 4, 4)' ] || fail "the program of einstride-notation(7): $found"

# What bash offers.
found=$(bash -c "source '$source/cmake/completions/einstride.bash'; compopt() { :; }
  COMP_WORDS=(einstride --is); COMP_CWORD=1; _einstride; echo \"\${COMPREPLY[*]}\"
  COMP_WORDS=(einstride --color a); COMP_CWORD=2; _einstride; echo \"\${COMPREPLY[*]}\"")
[ "$found" = $'--isa\nauto always' ] || fail "bash completes to '$found'"
if command -v zsh >/dev/null; then zsh -n "$source/cmake/completions/_einstride" || fail 'zsh completion'; fi
[ $failed -eq 0 ] && echo 'manual pages and completion name the options of --help'
exit $failed
