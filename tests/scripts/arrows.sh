#!/usr/bin/env bash
# Includes and calls follow the arrows of docs/ARCHITECTURE.md, no files stand in a circle, and every
# file lies where it belongs. arrows.sh SOURCE [BUILD]: calls are read from the objects in BUILD.
set -euo pipefail
build=$(realpath "${2:-$1/build}")
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
  [engine/bind]="include base lexer engine/bind"
  [engine/lower]="include base engine engine/bind engine/order engine/lower"
  [engine/strategies]="include base kernels engine engine/strategies"
  [engine/tensor]="include base kernels engine engine/tensor"
  [engine]="include base lexer kernels engine engine/bind engine/lower engine/strategies engine/tensor"
  [io]="include base engine engine/tensor kernels io"
  [ops]="include base lexer engine engine/tensor kernels ops"
  [repl/text]="include repl/text"
  [repl/language]="include repl/text repl/language"
  [repl/print]="include repl/text repl/language repl/print"
  [repl/pictures]="include repl/text repl/language repl/pictures"
  [repl/functions]="include repl/text repl/language repl/print repl/pictures repl/functions"
  [repl/commands]="include repl/text repl/language repl/print repl/pictures repl/functions repl/commands"
  [repl/terminal]="include repl/text repl/language repl/print repl/functions repl/commands repl/terminal"
  [repl]="include repl/text repl/language repl/functions repl/commands repl/terminal"
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

# A header and the source of its name are one: "a b" where a includes b. Templates and tables
# (*.inc.h, *.def) stand for themselves.
includes() {
  grep -rHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' --include='*.c' --include='*.h' --include='*.re' \
    base lexer engine io ops repl bench | sed -E 's/:[^"]*"/ /; s/".*//' | awk '
    function one(file) { if (file !~ /\.(inc\.h|def)$/) sub(/\.[a-z]+$/, "", file); return file }
    { print one($1), one($2) }'
}

# "a b name": a calls or reads the function or table name of b, says the build.
calls() {
  [ -d "$build" ] || return 0
  find "$build" -name '*.c.o' -path '*.dir/*' ! -path "$build/tests/*" -print0 | xargs -0 -r nm -A -P | awk -v build="$build/" '
    function there(path, line, got) { got = (getline line < path) >= 0; close(path); return got }
    # build/repl/CMakeFiles/x.dir/text/number.c.o: of repl/text/number; "" where nothing makes it any more
    function source(object, folder, file) {
      folder = file = substr(object, length(build) + 1)
      sub(/CMakeFiles.*/, "", folder); sub(/.*\.dir\//, "", file); sub(/\.c\.o:$/, "", file)
      if (!sub(/.*generated\//, "", file)) file = folder file
      return there(file ".c") || there(file ".re") ? file : ""
    }
    !($1 in from) { from[$1] = source($1) }
    from[$1] == "" { next }
    $3 == "U" { used[from[$1] " " $2] }
    $3 ~ /[TDRBVWC]/ { of[$2] = from[$1] }
    END { for (u in used) { split(u, p, " "); if (p[2] in of) print p[1], of[p[2]], p[2] } }'
}
called=$(calls)
while read -r file target name; do
  layer=$(layer_of "$file")
  # Users of the library call what is public.
  case $layer:$name in repl*:es_* | bench:es_* | docs:es_*) continue ;; esac
  case " ${may[$layer]:-} " in
    *" $(layer_of "$target") "*) ;;
    *) say "$file: $layer may not use $name of $target" ;;
  esac
done < <(awk '{ from = $1; to = $2; sub(/[^\/]*$/, "", from); sub(/[^\/]*$/, "", to); if (from != to) print }' <<<"$called" | sort -u -k1,2)

if ! circle=$({ includes; cut -d' ' -f1,2 <<<"$called"; } | tsort 2>&1 >/dev/null); then
  say "a circle: of what each of these includes or calls, one comes before it:"
  awk '/contains a loop/ && n++ { exit } !/contains a loop/ { sub(/^tsort: /, "  "); print }' <<<"$circle" >&2
fi

# What stands at the root, in a checkout of git: nothing else may grow there.
allowed=" .ci .clang-format .clang-tidy .cppcheck .github .gitignore base bench cmake CMakeLists.txt CMakePresets.json \
dev docs engine fuzz include io lexer LICENSE ops README.md repl SECURITY.md tests "
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  while IFS= read -r entry; do
    case $allowed in *" $entry "*) ;; *) say "$entry does not belong at the root" ;; esac
  done < <(git -c safe.directory='*' ls-files | cut -d/ -f1 | sort -u)
fi
exit $bad
