#!/usr/bin/env bash
# .export c: the program of a session compiles, runs, and prints what the session did.
set -u
source=$1 build=$2
program=$build/bin/einstride
[ -x "$program" ] || { echo "no binary: built without the REPL"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra flags < <(sed -n 's/^CMAKE_C_FLAGS:STRING=//p' "$build/CMakeCache.txt")
sanitize=$(sed -n 's/^EINSTRIDE_SANITIZE:STRING=//p' "$build/CMakeCache.txt")
[ -n "$sanitize" ] && flags+=("-fsanitize=$sanitize")

cat >"$work/session.es" <<'S'
x = arange(1, 4, 6, 6) * 1.0
w = randn(8, 4, 3, 3)
y = einsum('b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w', x, w)
y
z = rearrange(y, 'b (g o) h w -> b (o g) h w', g=2)
z = relu(z); z[0, ::2, 1, :].T
conv2d(x, w, stride=2, padding=((1, 0), (0, 1)))
θ = tensor([[1, 2], [3, 4]])
int = θ @ θ + 2
old = int
int = int - 1
int, old
softmax(int * 0.5, dim=0), int.shape, 'a"b?'
x.mean(axis=(2, 3)), x.max(), x.argmax(axis=-1).sum()
roll(θ, 1, axis=0)
reduce(x, 'b c h w -> c', 'max'); 1
concat([θ, int], axis=1)[:, ::-1]
θ[0, 0] = 7
θ += 1
θ
einsum('ij,jk->ik', θ, θ, out_dtype='f64', wrap=True)
np.linspace(0, 1, 5), eye(2, dtype='c64'), where(θ > 4, θ, 0.5)
tensor([0.1, -inf, nan, 3e-300]).sum(), zeros(0, 3)
t0 = x.unfold(2, 3, 2).sum(-1); t0
scaled_dot_product_attention(y[0], y[0], y[0], is_causal=True)
np.transpose(x, (3, 2, 1, 0)).reshape(-1, 2)[0]
torch.manual_seed(3)
randn(3)
.set seed 9
rand(2)
θ[[1, 0], 0] = 5; θ[[True, False]]
S
{ cat "$work/session.es"; echo ".export c $work/session.c"; } >"$work/in"
"$program" --seed 5 --json <"$work/in" >"$work/json" || { grep -h "\"ok\":false" "$work/json"; exit 1; }
cc "${flags[@]}" -I"$source/include" "$work/session.c" -o "$work/session" -L"$build" -leinstride \
  -Wl,-rpath,"$build" -lm || exit 1
"$work/session" >"$work/printed" || { echo "the program ends with $?"; exit 1; }

# The session's tensors in the program's words; of other values only how many there are.
grep -o '"dtype":"[^]]*\],"data":\[[^]]*\]' <<<"$(sed 's/\],\[/, /g; s/\[\[/[/g; s/\]\]/]/g' "$work/json")" |
  sed 's/"dtype":"//; s/","shape":\[/[/; s/\],"data":\[/] /; s/\]$//; s/"//g' >"$work/tensors"
grep '^[a-z0-9]*\[' "$work/printed" >"$work/shown"
# The shortest decimals of an f32 lie within half a unit in its last place: 6e-8 of it.
awk '
  FNR == NR { gsub(/,/, " "); expected[++n] = $0; next }
  {
    m++
    head_len = index($0, "]"); e_len = index(expected[m], "]")
    if (substr($0, 1, head_len) != one_blank(substr(expected[m], 1, e_len))) {
      print "type or shape: " substr(expected[m], 1, e_len) " against " substr($0, 1, head_len); bad = 1; next
    }
    k = split(substr($0, head_len + 1), a, " "); l = split(substr(expected[m], e_len + 1), b, " ")
    if (k != l) { print "count in " $0; bad = 1 }
    for (i = 1; i <= k; i++) {
      gsub(/false/, "0", b[i]); gsub(/true/, "1", b[i]); sub(/^-nan/, "nan", a[i])
      if (a[i] == b[i]) continue
      d = a[i] - b[i]; d = d < 0 ? -d : d; s = a[i] < 0 ? -a[i] : a[i] + 0
      if (!(d <= 6e-8 * s)) { print "element " i " of tensor " m ": " b[i] " against " a[i]; bad = 1 }
    }
    total += k
  }
  function one_blank(t) { gsub(/ +/, " ", t); return t }
  END {
    if (n != m || n < 20) { print n " tensors against " m; bad = 1 }
    print total " numbers of " m " tensors are the same"
    exit bad
  }' "$work/tensors" "$work/shown" || exit 1

# What has no C form is named, and stands in the program as a comment.
printf 'x = arange(3)\nn = x.sum().item()\nzeros(n)\nprint(x)\nx\n.export c %s\n' "$work/part.c" |
  "$program" >/dev/null 2>"$work/err"
[ $? -eq 1 ] || { echo 'a statement without a C form is no error'; exit 1; }
grep -q 'line 2 has no C form: a context of shapes alone has no elements' "$work/err" || { cat "$work/err"; exit 1; }
[ "$(grep -c 'is left out' "$work/part.c")" -eq 2 ] || { cat "$work/part.c"; exit 1; }
cc "${flags[@]}" -I"$source/include" "$work/part.c" -o "$work/part" -L"$build" -leinstride -Wl,-rpath,"$build" -lm &&
  [ "$("$work/part")" = $'i64[3] 0 1 2\ni64[3] 0 1 2' ] || { echo 'the rest of such a session'; exit 1; }

# What is written into by a statement without a C form has no C form from there on.
printf 'x = arange(3)\ny = arange(2)\nx[x > 0] = y\nx[0] = 9\nx\ny\n.export c %s\n' "$work/part.c" |
  "$program" >/dev/null 2>&1
[ "$(grep -c 'is left out' "$work/part.c")" -eq 3 ] || { cat "$work/part.c"; exit 1; }
cc "${flags[@]}" -I"$source/include" "$work/part.c" -o "$work/part" -L"$build" -leinstride -Wl,-rpath,"$build" -lm &&
  [ "$("$work/part")" = 'i64[2] 0 1' ] || exit 1

# What print writes: texts as they are, a tensor on a line of its own.
printf 'x = arange(2)\nprint("a?", 1, (x.shape,), end="|\\n")\nprint("x:", x)\nprint(x, "\\t\\"é", sep="")\n.export c %s\n' \
  "$work/part.c" | "$program" >/dev/null || exit 1
cc "${flags[@]}" -I"$source/include" "$work/part.c" -o "$work/part" -L"$build" -leinstride -Wl,-rpath,"$build" -lm &&
  [ "$("$work/part")" = $'a? 1 ((2,),)|\nx: i64[2] 0 1\ni64[2] 0 1\n\t"é' ] || { "$work/part"; exit 1; }

# The five seed documents: every statement that runs has its C form, and the program ends well.
for script in "$source"/docs/examples/seeds/*.es; do
  { cat "$script"; echo ".export c $work/seed.c"; } >"$work/seed.es"
  "$program" --keep-going "$work/seed.es" >/dev/null 2>"$work/err"
  grep -q 'has no C form' "$work/err" && { cat "$work/err"; exit 1; }
  cc "${flags[@]}" -Wall -Werror -Wno-unused-variable -I"$source/include" "$work/seed.c" -o "$work/seed" \
    -L"$build" -leinstride -Wl,-rpath,"$build" -lm && "$work/seed" >"$work/printed" || { echo "$script"; exit 1; }
  [ -s "$work/printed" ] || { echo "the program of $script prints nothing"; exit 1; }
  rm "$work/seed.c"
done
