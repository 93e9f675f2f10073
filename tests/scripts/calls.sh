#!/usr/bin/env bash
# The system's own record of what a script does: files are opened by load and save alone, and nothing is started,
# connected to or removed.
set -u
program=$2/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 77; }
command -v strace >/dev/null || { echo "no strace"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
strace -o probe true 2>/dev/null || { echo "processes may not be traced here"; exit 77; }
# Leaks are looked for by stopping all threads, which a traced process cannot do.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
failed=0
fail() { echo "FAILED: $*"; failed=1; }

# trace NAME SCRIPT: into NAME.calls what it asks of the system between two lines that save files, other than
# threads and about what is open.
trace() {
  local name=$1
  { echo "save('first.npy', arange(1))"; printf '%s\n' "$2"; echo "save('last.npy', arange(1))"; } >"$name.es"
  strace -f -o "$name.trace" -e trace=%file,%network,%process,%creds,ptrace,kill \
    "$program" "$name.es" >"$name.out" 2>&1 </dev/null || fail "$name: $(tail -3 "$name.out")"
  awk '/first\.npy/ { seen = NR } { line[NR] = $0 }
       /last\.npy/ && !last { last = NR }
       END { for (i = seen + 1; i < last; i++) print line[i] }' "$name.trace" |
    grep -vE 'clone3?\(|\+\+\+ exited|(^|[0-9] )exit\(|resumed|AT_EMPTY_PATH' >"$name.calls"
}

# ---- computing opens nothing ----
trace compute "
x = randn(2, 3, 8, 8)
w = randn(4, 3, 3, 3)
y = conv2d(x, w, padding=1)
z = einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w)
print(softmax(rearrange(y, 'b o h w -> b (o h w)'), -1).shape, z)
.plan 'i k, k j -> i j', randn(64, 64), randn(64, 64)
.explain 'i k, k j -> i j', randn(64, 64), randn(64, 64)
.diagram 'h w -> (w h)'
?conv2d
x = '/etc/passwd'
load
"
[ -s compute.calls ] && fail "computing asked for: $(cat compute.calls)"
grep -q '/etc/passwd' compute.trace && fail "a text was taken for a path"

# ---- save writes beside its target and nowhere else; load reads what it names ----
trace files "
save('a.npy', arange(6))
x = load('a.npy')
x + 1
"
grep -qE 'open(at)?\(.*a\.npy' files.calls || fail "load and save left no trace: $(cat files.trace | tail -5)"
# ".einstride-…" lies in the target's folder until it has its name.
others=$(grep -vE '"(a\.npy|\.einstride-[0-9]+-[0-9]+\.tmp|\.)"' files.calls)
[ -z "$others" ] || fail "load and save asked for more: $others"
echo "$(cat ./*.trace | wc -l) system calls looked at"
exit $failed
