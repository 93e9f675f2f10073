#!/usr/bin/env bash
# What the prompt shows, on a terminal of tmux: each screen is held against a file of
# tests/screens. Nothing sleeps: a screen is awaited until it is the expected one.
# UPDATE=1 writes the files anew; read them before you keep them.
set -u
source=$1
program=$2/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 0; }
command -v tmux >/dev/null || { echo "no tmux to show a screen: skipped"; exit 77; }
case $(ldd "$program" 2>/dev/null) in *libreadline*) ;; *) echo "built without readline: skipped"; exit 77 ;; esac
if grep -q '^EINSTRIDE_SANITIZE:STRING=thread' "$2/CMakeCache.txt"; then
  echo "clang's checks of threads keep Ctrl-C until a call that they know, which pselect is not: skipped"
  exit 77
fi
work=$(mktemp -d)
screens=$source/tests/screens
server=0 # each session has its own: one that is still leaving would take the next along
tmux() { command tmux -S "$work/tmux$server" -f /dev/null "$@"; }
trap 'tmux kill-server 2>/dev/null; rm -rf "$work"' EXIT
tmux new-session -d true 2>/dev/null || { echo "no terminal to be had on this system: skipped"; exit 77; }
failed=0
count=0
patience=30 # seconds: the machine may be loaded, and sanitizers are slow
grep -q '^EINSTRIDE_SANITIZE:STRING=.' "$2/CMakeCache.txt" && patience=300

# start COLUMNS ROWS [VARIABLE=VALUE…] [OPTIONS…]: a fresh session and its prompt.
start() {
  local columns=$1 rows=$2 variables=()
  shift 2
  while [[ ${1-} == *=* && ${1-} != -* ]]; do variables+=("$1"); shift; done
  tmux kill-server 2>/dev/null
  server=$((server + 1))
  rm -rf "$work/state"
  tmux new-session -d -x "$columns" -y "$rows" env -u NO_COLOR -u INPUTRC LC_ALL=C.UTF-8 TERM=tmux-256color \
    XDG_STATE_HOME="$work/state" "${variables[@]}" "$program" --threads 1 "$@"
  wait_for '^>>>'
}

screen() { tmux capture-pane -p ${1-} 2>/dev/null | sed -e 's/ *$//' -e 's/\x1b/<esc>/g' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

wait_for() { # a line that matches
  local end=$((SECONDS + patience))
  until screen | grep -qE -- "$1"; do
    if [ $SECONDS -ge $end ]; then
      echo "no '$1' on the screen:"; screen
      exit 1
    fi
  done
}

key() { tmux send-keys "$@"; }
type() { tmux send-keys -l -- "$1"; }

asks() { # the cursor stands right behind a prompt
  local at row
  at=$(tmux display-message -p '#{cursor_x} #{cursor_y}')
  row=$(screen | sed -n "$((${at#* } + 1))p")
  [[ (${at% *} = 4 && $row =~ ^(>>>|\.\.\.)) || $row =~ back,\ quit\)$ ]]
}

enter() { # a line; until the next can be typed, which is the terminal's while a statement runs
  local end=$((SECONDS + patience))
  type "$1"
  key Enter
  until asks; do
    if [ $SECONDS -ge $end ]; then
      echo "no prompt after '$1':"; screen
      exit 1
    fi
  done
}
paste() { tmux set-buffer -- "$1"; tmux paste-buffer -p; }

# shows NAME [-e]: the screen is that of the file; with -e colours too.
shows() {
  local file=$screens/$1.txt end=$((SECONDS + patience)) found=''
  count=$((count + 1))
  if [ -n "${UPDATE-}" ]; then
    sleep 1.2
    screen ${2-} >"$file"
    echo "== $1"; cat "$file"
    return
  fi
  while [ $SECONDS -lt $end ]; do
    found=$(screen ${2-})
    [ "$found" = "$(cat "$file")" ] && return
  done
  echo "FAILED: $1"
  diff -u "$file" <(echo "$found")
  failed=1
}

for columns in 40 80 200; do
  start $columns 24
  enter 'x = arange(2, 8, 6, 6) * 1.0'
  enter 'w = ones(4, 8, 3, 3)'
  type "y = einsum('b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w', x, w"
  shows typing-$columns
  type ')'
  key Enter
  enter 'y[0, 0]'
  type "conv2d(x, w, padd"
  key Tab
  type "1).sha"
  key Tab
  key Enter
  wait_for '^.2, 4, 6, 6.$'
  shows run-$columns
done

# Values take what the terminal holds.
start 60 14
enter 'arange(3, 100, 100)'
shows fit-matrices
enter 'np.arange(1000) / 7'
shows fit-vector

# Several lines: typed, walked through, changed in the middle.
start 60 24
enter 'z = (1,'
enter '     2,'
type '     θ=3)'
key Up
key End
type '0'
shows several-lines
key C-c
wait_for '^>>>$'
enter "t = '''one"
enter "two'''"
enter 't'
shows string-of-two-lines

# Pasted cells and transcripts.
start 60 24
paste $'In [3]: x = arange(2,\n   ...:            3)\n\nIn [4]: x.sum()\nOut[4]: 15\n'
shows pasted-cell
key Enter
wait_for '^i64\[\]  15'
paste $'>>> a = (1,\r\n... 2)\r\n>>> a\r\n(1, 2)\r\n>>> len(a)\r\n2\r\n'
key Enter
wait_for '^2$'
shows pasted-transcript

# Errors while typing are those that more typing does not mend.
start 80 24
enter 'x = arange(2, 3)'
type "einsum('a b, b -> a', x, x)"
shows error-hint
key C-u
type 'x + nosuch'
shows no-hint-yet
type ' '
shows error-name
key C-u
type '.thr'
key Tab
shows command

# Completion: a list, labels in a pattern, names of sizes, files.
start 80 24
enter 'image = arange(2, 3)'
type 'image.sq'
key Tab
shows list-of-members
key C-u
type "rearrange(image, 'height width -> wi"
key Tab
type " height'"
shows label
type ', hei'
key Tab
shows size-of-label
key C-u
type "load('$source/tests/data/ma"
key Tab
wait_for "make.py'"

# Colours: the same for a label in operands, output and head; a bracket's partner.
start 80 24
enter 'x = arange(2, 3)'
type "einsum('b c, c -> c b', x, x[0])"
shows colours -e
key Enter
wait_for 'c:3'
shows colours-of-head -e
start 80 24 NO_COLOR=1
enter 'x = arange(2, 3)'
type "einsum('b c -> c', x)"
shows no-colour -e
start 80 24 TERM=dumb
enter 'x = (1,'
enter '2)'
enter 'x'
shows dumb

# The tour runs a step at Enter and a line of the reader's own; back and quit are obeyed.
start 80 40
enter '.tour 2'
wait_for '^ *2/[0-9]+ '
wait_for 'back, quit\)$'
enter 'back'
wait_for '^ *1/[0-9]+ '
enter '6 * 7'
wait_for '^42$'
key Enter
wait_for '\[28 40\]\]'
enter 'quit'

# Another locale: the text is UTF-8 still. name? is ?name.
start 80 24 LC_ALL=C
type 'θ = arange(3) '
wait_for '^>>> θ = arange.3.    i64.3.$'
key Enter
enter 'θ + θ'
wait_for '^.0 2 4.$'
enter 'rearrange?'
wait_for '^rearrange.x, pattern'

# Search in the history, Ctrl-L, other sizes of the window, a screen of few rows.
start 80 24
enter 'alpha = 1'
enter 'beta = 2'
key C-r
type 'alp'
shows search
key Enter
key C-l
type "einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', zeros((1, 2, 8, 8)), zeros((3, 2, 3, 3)))"
shows long-line-80
tmux resize-window -x 50 -y 24
shows long-line-50
start 40 6
type "einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', zeros((1, 2, 8, 8)), zeros((3, 2, 3, 3))) + einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', zeros((1, 2, 8, 8)), zeros((3, 2, 3, 3)))"
shows few-rows-end
key C-a
shows few-rows-start

[ $failed -eq 0 ] && echo "$count screens are as they should be"
exit $failed
