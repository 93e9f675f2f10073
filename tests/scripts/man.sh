#!/usr/bin/env bash
# Manual pages and shell completion: sound, and they name the options that there are.
set -u
source=$1
program=$2/bin/einstride
failed=0
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
"$program" --help | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u >"${TMPDIR:-/tmp}/options.$$"
trap 'rm -f "${TMPDIR:-/tmp}/options.$$"' EXIT
[ "$(wc -l <"${TMPDIR:-/tmp}/options.$$")" -ge 10 ] || fail 'einstride --help shows no options'
while read -r option; do
  grep -q "^\.It Fl ${option#-}\( \|$\)" "$source/docs/man/einstride.1" || fail "einstride(1) has no $option"
  grep -q -- "$option\b" "$source/cmake/completions/einstride.bash" || fail "bash completion has no $option"
  grep -q -- "$option\b" "$source/cmake/completions/_einstride" || fail "zsh completion has no $option"
done <"${TMPDIR:-/tmp}/options.$$"
grep -oE '^\.It Fl -?[a-z-]+' "$source/docs/man/einstride.1" | sed 's/^.It Fl /-/' | while read -r option; do
  grep -qx -- "$option" "${TMPDIR:-/tmp}/options.$$" || { echo "einstride(1) knows $option, the program does not"; exit 1; }
done || failed=1

# What bash offers.
found=$(bash -c "source '$source/cmake/completions/einstride.bash'; compopt() { :; }
  COMP_WORDS=(einstride --is); COMP_CWORD=1; _einstride; echo \"\${COMPREPLY[*]}\"
  COMP_WORDS=(einstride --color a); COMP_CWORD=2; _einstride; echo \"\${COMPREPLY[*]}\"")
[ "$found" = $'--isa\nauto always' ] || fail "bash completes to '$found'"
if command -v zsh >/dev/null; then zsh -n "$source/cmake/completions/_einstride" || fail 'zsh completion'; fi
[ $failed -eq 0 ] && echo 'manual pages and completion name the options of --help'
exit $failed
