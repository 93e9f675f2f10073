#!/usr/bin/env bash
# Includes follow the arrows of docs/ARCHITECTURE.md, and every file lies where it belongs.
set -euo pipefail
cd "$1"
bad=0
say() { echo "$*" >&2; bad=1; }

# What each layer may include. Paths are written from the root; public headers from include/.
declare -A may=(
  [include]="include"
  [base]="include base"
  [lexer]="include base lexer"
  [kernels]="include base kernels"
  [engine/order]="include base engine/order"
  [engine/bind]="include base lexer engine/tensor engine/bind"
  [engine/lower]="include base engine engine/tensor engine/bind engine/order engine/lower"
  [engine/strategies]="include base kernels engine engine/strategies"
  [engine/tensor]="include base kernels engine engine/tensor"
  [engine]="include base lexer kernels engine engine/bind engine/lower engine/strategies engine/tensor"
  [io]="include base engine engine/tensor kernels io"
  [ops]="include base lexer engine engine/tensor kernels ops"
  [repl/text]="include repl/text"
  [repl/language]="include repl/text repl/language"
  [repl/print]="include repl/text repl/language repl/print"
  [repl/pictures]="include repl/text repl/language repl/pictures"
  [repl/functions]="include repl/text repl/language repl/pictures repl/functions"
  [repl/commands]="include repl/text repl/language repl/print repl/pictures repl/functions repl/commands"
  [repl/terminal]="include repl/text repl/language repl/print repl/functions repl/commands repl/terminal"
  [repl]="include repl/text repl/commands repl/terminal"
  [bench]="include bench"
  [docs]="include"
)

layer_of() {
  case $1 in
    einstride.h | einstride/*) echo include ;;
    engine/kernels/*) echo kernels ;;
    engine/*/* | repl/*/*) echo "${1%/*}" ;;
    */*) echo "${1%%/*}" ;;
    *) echo "?" ;;
  esac
}

while IFS= read -r file; do
  layer=$(layer_of "$file")
  [ -n "${may[$layer]:-}" ] || { [ "$layer" = tests ] || say "$file: no layer holds this file"; continue; }
  while IFS= read -r line; do
    included=${line#*\"}
    included=${included%%\"*}
    # Examples stand beside their own headers, as a user's program would.
    if [ "$layer" = docs ] && [ -e "$(dirname "$file")/$included" ]; then continue; fi
    target=$(layer_of "$included")
    case " ${may[$layer]} " in
      *" $target "*) ;;
      *) say "$file: $layer may not include \"$included\"" ;;
    esac
    [ -e "$included" ] || [ -e "include/$included" ] || say "$file: \"$included\" is not a path from the root"
  done < <(grep -hE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" || true)
done < <(find include base lexer engine io ops repl bench docs tests -type f \
  \( -name '*.c' -o -name '*.h' -o -name '*.def' -o -name '*.re' \))

# What stands at the root, in a checkout of git: nothing else may grow there.
allowed=" .ci .clang-format .clang-tidy .cppcheck .github .gitignore base bench cmake CMakeLists.txt CMakePresets.json \
dev docs engine fuzz include io lexer LICENSE ops README.md repl SECURITY.md tests "
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  while IFS= read -r entry; do
    case $allowed in *" $entry "*) ;; *) say "$entry does not belong at the root" ;; esac
  done < <(git -c safe.directory='*' ls-files | cut -d/ -f1 | sort -u)
fi
exit $bad
