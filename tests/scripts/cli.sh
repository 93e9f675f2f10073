#!/usr/bin/env bash
# The command line: exit codes, JSON, limits, standard input, pipes, hostile bytes.
set -u
program=$2/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
checks=0

fail() { echo "FAILED: $*"; failed=1; }

# expect_code CODE ARGUMENTS…
expect_code() {
  local code=$1 found
  shift
  checks=$((checks + 1))
  "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
  found=$?
  [ "$found" -eq "$code" ] || fail "exit code $found instead of $code: $*"
}

# expect_out TEXT ARGUMENTS…
expect_out() {
  local text=$1 found
  shift
  checks=$((checks + 1))
  found=$("$program" "$@" 2>"$work/err" </dev/null)
  [ "$found" = "$text" ] || fail "'$found' instead of '$text': $*"
}

# expect_error PATTERN ARGUMENTS…: on standard error, and nothing on standard output
expect_error() {
  local pattern=$1
  shift
  checks=$((checks + 1))
  "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
  grep -q -- "$pattern" "$work/err" || fail "no '$pattern' in: $(cat "$work/err")"
  [ -s "$work/out" ] && fail "an error wrote to standard output: $*"
}

# ---- exit codes ----
expect_code 0 -c '1 + 1'
expect_code 0 --help
expect_code 0 --version
expect_code 1 -c "load('/nonexistent/x.npy')"
expect_code 1 "$work/nonexistent.es"
expect_code 1 -c 'arange(3).astype("i8") * 100'
expect_code 2 --no-such-option
expect_code 2 -c
expect_code 2 --max-mem 12Q -c 1
expect_code 2 --threads 0 -c 1
expect_code 2 -c 1 -c 2
expect_code 3 -c '(1, 2'
expect_code 3 -c 'for i in x: i'
expect_code 3 -c "rearrange(arange(2,3), 'a b -> (a b')"
expect_code 4 -c "einsum('ij,jk->ik', arange(2,3), arange(2,3))"
expect_code 4 -c 'nosuchname'
expect_code 5 --max-mem 1M -c 'zeros(1000, 1000)'
expect_code 5 -c 'zeros(1000000, 1000000, 1000)'
expect_code 4 --keep-going -c $'nosuchname\n(1,'

# ---- values and streams ----
expect_out '(2, 3)' -c 'arange(2, 3).shape'
expect_out '3' -c $'x = 1; y = 2;\nx; x + y'
expect_out $'(1,)\n[]\n0.1\n\'a\'' -c $'(1,)\n[]\n0.1\n\'a\''
expect_out $'i64[2 2]  min 0  mean 1.5  max 3  32 B\n[[0 1]\n [2 3]]' -c 'arange(2, 2)'
expect_out '(2, 3, 4)' -c $'In [1]: x = arange(2,3,4)\n>>> x.shape'
expect_out '7' -c $'θ_1 = 3\nθ_1 + 4'
expect_error "did you mean 'rearrange'" -c 'rearange(1)'
expect_error '^<text>:2:5: error:' -c $'x = 1\n1 + y'
expect_error 'loops, conditions and functions belong to C' -c 'for i in x: i'
expect_error 'ES_E_EXTENT S7' -c "einsum('a b, b -> a', arange(2,3), arange(4))"
expect_error '^      a b, b -> a' -c "einsum('a b, b -> a', arange(2,3), arange(4))"
expect_code 0 -c 'randn(3)'
first=$("$program" --seed 7 -c 'randn(3)')
[ "$first" = "$("$program" --seed 7 -c 'randn(3)')" ] || fail 'the same seed gives other numbers'
[ "$first" != "$("$program" --seed 8 -c 'randn(3)')" ] || fail 'another seed gives the same numbers'
for isa in v16 v32 v64; do # what the processor lacks is refused
  "$program" --isa $isa -c 'arange(3).sum()' >"$work/out" 2>"$work/err" ||
    grep -q . "$work/err" || fail "--isa $isa failed without a word"
done
[ "$("$program" --threads 1 -c '.threads')" = 1 ] || fail '--threads 1'

# ---- files that are none, or none that can be read ----
expect_error "^$work: error: the script cannot be read: Is a directory" "$work"
expect_error "^$work/no.es: error: the script cannot be opened: No such file" "$work/no.es"
expect_error "^<text>:2:3: error: '$work' is a directory" -c $'1;\n  load("'"$work"'")'
expect_error "^<text>:1:1: error: '/nonexistent/x.c' cannot be written" -c '.export c /nonexistent/x.c'
printf '1,2\n3,4\n' >"$work/a.csv"
expect_error "a.csv' is a text; in Python np.save" -c "load('$work/a.csv')"
printf 'plain\2' >"$work/a.bin"
expect_error "a.bin' is a text" -c "load('$work/a.bin')"
printf '\1\2\3\4' >"$work/a.bin"
expect_error 'starts with the bytes 01 02 03 04' -c "load('$work/a.bin')"
expect_out "{'x': i64[2], 'y': 2}" -c "{'x': arange(2), 'y': 2}"

# ---- commands, on any line ----
expect_out $'(2, 3)\n1' --threads 1 -c $'x = arange(2, 3)\nx.shape\n.threads\n.quit\n1'
expect_code 0 -c $'1\n  .threads 1\n>>> .vars\n?(\n\n'
expect_error "^<text>:2:8: error: the name 'nosuch' is not defined" -c $'x = 1;\n .show nosuch'
expect_error '^<text>:3:1: error: there is no command' -c $'\n\n.nosuch'
expect_error '^<text>:1:8: error: expected a value' -c 'x = 1; .vars'
expect_error "^<text>:1:1: error:.*S7" -c ".cost 'ij,jk->ik', (2,3), (4,5)"
expect_out '{"ok":true,"value":"1\n"}' --json --threads 1 -c .threads
printf '.threads\n1 + 1\n.threads\n.load %s/d.es\n' "$work" >"$work/d.es"
"$program" --threads 1 "$work/d.es" >"$work/out" 2>"$work/err"
[ "$(head -n 3 "$work/out")" = $'1\n2\n1' ] || fail 'commands in a file'
grep -q 'does one load itself' "$work/err" || fail 'a script that loads itself'
[ "$("$program" --threads 1 <"$work/d.es" 2>/dev/null | head -n 3)" = $'1\n2\n1' ] || fail 'commands on standard input'

# ---- scripts: files, standard input, --keep-going ----
printf 'x = (1,\n  2)\nx\nprint("é", end="")\n' >"$work/a.es"
[ "$("$program" "$work/a.es")" = $'(1, 2)\né' ] || fail 'a file'
[ "$("$program" <"$work/a.es")" = $'(1, 2)\né' ] || fail 'standard input'
[ "$("$program" - <"$work/a.es")" = $'(1, 2)\né' ] || fail '- is standard input'
[ "$(printf '1\nx\n2' | "$program" 2>/dev/null)" = 1 ] || fail 'a script goes on after an error'
[ "$(printf '1\nx\n(\n2' | "$program" --keep-going 2>/dev/null)" = $'1\n2' ] || fail '--keep-going, open bracket'
[ "$(printf '1\nx\n$\n2' | "$program" --keep-going 2>/dev/null)" = $'1\n2' ] || fail '--keep-going'

# ---- hostile bytes and sizes ----
bytes() { # bytes CODE PRINTF_TEXT
  printf "$2" >"$work/b.es"
  expect_code "$1" "$work/b.es"
  grep -q "error:" "$work/err" || fail "no message for $2"
  "$program" <"$work/b.es" >/dev/null 2>"$work/err"
  [ $? -eq "$1" ] || fail "another exit code from standard input for $2"
}
bytes 3 'x = "a\0b"\n'
bytes 3 'x = "\377\376"\n'
bytes 3 'x = \033[31m\n'
grep -q "$(printf '\033')" "$work/err" && fail 'a control byte reached the terminal'
head -c 1048576 /dev/zero | tr '\0' '(' >"$work/b.es"
expect_code 3 "$work/b.es"
{ printf 1; head -c 400000 /dev/zero | sed 's/\x00/+1/g'; echo; } >"$work/b.es"
expect_code 5 "$work/b.es"
{ printf "x = '"; head -c 104857600 /dev/zero | tr '\0' a; echo "'"; } >"$work/b.es"
expect_code 5 "$work/b.es"
"$program" <"$work/b.es" >/dev/null 2>&1
[ $? -eq 5 ] || fail 'a line of 100 MB on standard input'
{ echo 1; printf "x = '"; head -c 2097152 /dev/zero | tr '\0' a; echo "'"; } >"$work/b.es"
for place in "$work/b.es:2:1" '<stdin>:2:1'; do # the same limit, and its place, from a file and a stream
  if [ "$place" = '<stdin>:2:1' ]; then set -- -; else set -- "$work/b.es"; fi
  "$program" "$@" <"$work/b.es" >/dev/null 2>"$work/err"
  [ $? -eq 5 ] && grep -q "^$place: error: this statement is longer than 1048576 bytes" "$work/err" ||
    fail "$place: $(head -n 1 "$work/err")"
done
{ echo 'x = ('; yes 1, | head -n 100000; echo ')'; echo 'len(x)'; } >"$work/b.es"
[ "$("$program" <"$work/b.es")" = 100000 ] || fail 'a hundred thousand lines in brackets'
rm -f "$work/b.es"

# ---- a closed pipe, a full disk ----
checks=$((checks + 2))
{ "$program" -c $'arange(500)\n'"$(yes 'arange(500)' | head -n 2000)" 2>"$work/err"; echo $? >"$work/code"; } | head -n 1 >/dev/null
[ "$(cat "$work/code")" = 0 ] || fail "a closed pipe ends with $(cat "$work/code")"
[ -s "$work/err" ] && fail "a closed pipe is talked about: $(cat "$work/err")"
if [ -w /dev/full ]; then
  "$program" -c 1 >/dev/full 2>"$work/err"
  [ $? -eq 1 ] || fail 'a full disk is not noticed'
fi

# ---- a comma locale changes nothing ----
for locale in de_DE.UTF-8 fr_FR.UTF-8 de_DE.utf8; do
  found=$(LC_ALL=$locale "$program" -c '[0.5, 1e-7], tensor([0.25])' 2>&1)
  case $found in *'0.5, 1e-07'*'[0.25]'*) ;; *) fail "under $locale: $found" ;; esac
done

# ---- JSON ----
json=$work/json
"$program" --json --keep-going -c $'
arange(2, 3)
tensor([0.1, 1/3, -0.0, 1e-45, 3.4e38])
np.array([0.1, 1/3, 5e-324, 1.7976931348623157e308, inf, -inf, nan])
eye(2, dtype="c64")
zeros(0, 3)
tensor(2.5)
tensor([True, False])
7
0.1
None
"line\\n\\"quoted\\" é \\\\"
(1, "a", arange(2))
{"a": 1, "b": (1, 2)}
"silent";
x = 1
print("text")
einsum("ij,jk->ik", arange(2,3), arange(2,3))
nosuch
(1,
' >"$json" 2>/dev/null
if command -v python3 >/dev/null; then
  python3 - "$json" <<'P' || fail 'JSON'
import json, struct, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]
def f32(v): return struct.unpack('f', struct.pack('f', v))[0]
assert len(rows) == 17, len(rows)
a = rows[0]
assert a['ok'] and a['dtype'] == 'i64' and a['shape'] == [2, 3] and a['data'] == list(range(6))
assert a['time_s'] >= 0
assert [f32(v) for v in rows[1]['data']] == [f32(0.1), f32(1/3), 0.0, f32(1e-45), f32(3.4e38)]
assert str(rows[1]['data'][2]) == '-0.0'
assert rows[2]['data'] == [0.1, 1/3, 5e-324, 1.7976931348623157e308, 'inf', '-inf', 'nan']
assert rows[3]['data'] == [[1, 0], [0, 0], [0, 0], [1, 0]]
assert rows[4]['shape'] == [0, 3] and rows[4]['data'] == []
assert rows[5]['shape'] == [] and rows[5]['data'] == [2.5]
assert rows[6]['data'] == [True, False]
assert [r['value'] for r in rows[7:10]] == [7, 0.1, None]
assert rows[10]['value'] == 'line\n"quoted" é \\'
assert [i['ok'] for i in rows[11]['items']] == [True] * 3
assert rows[11]['items'][2]['data'] == [0, 1]
assert rows[12]['value'] == {'a': 1, 'b': [1, 2]}
assert rows[13]['value'] is None
e = rows[14]
assert not e['ok'] and e['status'] == 'ES_E_EXTENT' and e['text'] == 'ij,jk->ik', e
assert e['length'] > 0 and e['rule'] == 'S7' and e['operand'] in (0, 1), e
assert e['text'].encode()[e['offset']:][:e['length']] == b'j', e
assert rows[15]['status'] == 'ES_E_NAME' and rows[15]['text'] == 'nosuch' and rows[15]['length'] == 6
assert rows[16]['status'] == 'ES_E_SYNTAX'
P
fi

[ $failed -eq 0 ] && echo "$checks and more checks hold"
exit $failed
