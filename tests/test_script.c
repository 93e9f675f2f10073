/* The script language, through the binary: each row is a script and what it prints. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "einstride/layers.h"

#define PROGRAM ES_BINARY_DIR "/bin/einstride"

typedef struct result {
  int code;
  char out[65536], err[8192];
} result;

static void drain(int out, int err, result *r) {
  struct pollfd fds[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  char *buffers[2] = {r->out, r->err};
  size_t room[2] = {sizeof r->out - 1, sizeof r->err - 1}, used[2] = {0, 0};
  for (int open = 2; open > 0;) {
    poll(fds, 2, -1);
    for (int i = 0; i < 2; i++) {
      if (fds[i].fd < 0 || !fds[i].revents) continue;
      ssize_t n = read(fds[i].fd, buffers[i] + used[i], room[i] - used[i]);
      if (n > 0) {
        used[i] += (size_t)n;
      } else {
        fds[i].fd = -1;
        open--;
      }
    }
  }
  r->out[used[0]] = r->err[used[1]] = '\0';
}

static void run(const char *text, result *r) {
  int out[2], err[2], status;
  cr_assert(pipe(out) == 0 && pipe(err) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 1);
    dup2(err[1], 2);
    execl(PROGRAM, PROGRAM, "--threads", "1", "-c", text, (char *)NULL);
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  drain(out[0], err[0], r);
  close(out[0]);
  close(err[0]);
  waitpid(child, &status, 0);
  r->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

typedef struct row {
  const char *text, *out;
} row;

static void check(const row *rows, size_t n) {
  static result r;
  if (access(PROGRAM, X_OK) != 0) cr_skip_test("built without the binary");
  for (size_t i = 0; i < n; i++) {
    run(rows[i].text, &r);
    cr_expect(r.code == 0, "%s\nends with %d: %s", rows[i].text, r.code, r.err);
    cr_expect_str_eq(r.out, rows[i].out, "%s\nprints\n%sinstead of\n%s", rows[i].text, r.out,
                     rows[i].out);
  }
}
#define CHECK(...)                                                                                 \
  do {                                                                                             \
    static const row rows[] = {__VA_ARGS__};                                                       \
    check(rows, sizeof rows / sizeof *rows);                                                       \
  } while (0)

/* Numbers are Python's. */
Test(script, numbers) {
  CHECK({"1 + 2 * 3 ** 2 ** 0", "7\n"}, {"-2 ** 2, 2 ** -1", "(-4, 0.5)\n"},
        {"-7 // 2, -7 % 2, 7 % -2, 7 // -2", "(-4, 1, -1, -4)\n"},
        {"7 / 2, 6 / 2, 7.5 // 2, -7.5 % 2", "(3.5, 3.0, 3.0, 0.5)\n"},
        {"0x1f, 1_000, .5, 5., 1e3, 1.5e-7", "(31, 1000, 0.5, 5.0, 1000.0, 1.5e-07)\n"},
        {"True + 1, 3 == 3.0, 3 != 4, 2 < 1, 2 >= 2", "(2, True, True, False, True)\n"},
        {"1 and 0 or 'x', not 1, not ''", "('x', False, True)\n"},
        {"1e16, 1e15, 0.1 + 0.2, 1e300 * 1e10",
         "(1e+16, 1000000000000000.0, 0.30000000000000004, inf)\n"},
        {"9223372036854775807, -9223372036854775807 - 1",
         "(9223372036854775807, -9223372036854775808)\n"},
        {"int(3.7), int(-3.7), float(2), bool(0), abs(-3), max(2, 5, 3), min(1.5, 1)",
         "(3, -3, 2.0, False, 3, 5, 1)\n"});
}

Test(script, comparisons_and_bits) {
  CHECK({"1 < 2 < 3, 1 < 3 < 2, 3 > 2 == 2, 1 < 2 < 3 < 4 != 5", "(True, False, True, True)\n"},
        {"3 in (1, 2, 3), 'b' in 'abc', 'k' in {'k': 1}, 2 not in [1], not 1 in [1], 3.0 in [3]",
         "(True, True, True, True, False, True)\n"},
        {"5 in arange(4), 3 in arange(4)", "(False, True)\n"},
        {"1 | 2 == 3, 6 & 3, 6 | 3, 6 ^ 3, ~5, 1 << 3 + 1, -9 >> 1, True & False, True ^ True",
         "(True, 2, 7, 5, -6, 16, -5, False, False)\n"},
        {"1 < 2 in [True, 2]", "True\n"}, {"0 < 1 > 2 == nosuchname", "False\n"});
}

Test(script, format_strings) {
  static const row rows[] = {
      {"x = arange(2, 3); print(f'{x.shape} and {x[0, 1]}')", "(2, 3) and 1\n"},
      {"print(f\"{1/7:.3f} {3:4d}|{'a':>3}|{'b':<3}|{'c':^5}|{-3:05d}\")",
       "0.143    3|  a|b  |  c  |-0003\n"},
      {"print(f'{0.256:.1%} {1e6:.2e} {arange(3).sum():.1f} {2:g}')", "25.6% 1.00e+06 3.0 2\n"},
      {"print(f'{{}} {1 != 2}\\t{[1, {\"a\": 2}][1][\"a\"]}')", "{} True\t2\n"},
      {"print(f'{f\"{1}{2}\"}', f'', f'''{\n 3}''')", "12  3\n"},
      {"print('{:8.3f}|{}'.format(2/3, None))", "   0.667|None\n"},
  };
  check(rows, sizeof rows / sizeof *rows);
}

Test(script, places) {
  static const row rows[] = {
      {"x = arange(3, 4); print(x[x[:, 0] > 3, 0])", "[4 8]\n"},
      {"x = arange(3, 4); print(x[x[:, 0] > 3, 1:3])", "[[ 5  6]\n [ 9 10]]\n"},
      {"x = arange(3, 2); print(x[[True, False, True]])", "[[0 1]\n [4 5]]\n"},
      {"x = arange(3, 2); print(x[np.array([2, 0])])", "[[4 5]\n [0 1]]\n"},
      {"x = arange(4); print(x[np.array([[0, -1], [1, 1]])])", "[[0 3]\n [1 1]]\n"},
      {"x = arange(2, 2); print(x[:, np.array([[0, 1, 0]])].shape)", "(2, 1, 3)\n"},
      /* Paired, as NumPy 1.24 pairs them: together in place, apart in front. */
      {"x = arange(2, 3, 4); print(x[[0, 1], [2, 0], [1, 3]], x[[-1, 0], 1, [0, -1]])",
       "[ 9 15] [16  7]\n"},
      {"x = arange(2, 3, 4); print(x[:, [0, 1], [2, 3]], x[1:, [0, 2], [0, 2]])",
       "[[ 2  7]\n [14 19]] [[12 22]]\n"},
      {"x = arange(2, 3, 4); print(x[[0, 1], :, [2, 3]], x[0, :, [1, 2]])",
       "[[ 2  6 10]\n [15 19 23]] [[ 1  5  9]\n [ 2  6 10]]\n"},
      {"x = arange(2, 3, 4); print(x[[[0], [1]][1], [1, 2]][:, 0], x[[True, False], [0, 1]][:, 0], "
       "x[np.array([[0], [1]]), np.array([0, 2])][..., 0])",
       "[16 20] [0 4] [[ 0  8]\n [12 20]]\n"},
      {"x = arange(2, 3, 4); x[[1, 0], None, [0, 1]].shape, x[[], []].shape, x[:, [], []].shape, "
       "x[[], :, []].shape, x[..., [0, 1], [2, 3]].shape",
       "((2, 1, 4), (0, 4), (2, 0), (0, 3), (2, 2))\n"},
      {"x = arange(3, 3); x[[0, 1, 2], [0, 1, 2]] = [7, 8, 9]; x[[2, 0], [0, 2]] = x[[2, 0], [0, "
       "2]] + 1; print(x)",
       "[[7 1 3]\n [3 8 5]\n [7 7 9]]\n"},
      {"x = zeros((2, 2, 3)); x[0, :, [0, 2]] = arange(2, 2); x[np.array([[1, 1]]), [0, 1]] = 5; "
       "print(x)",
       "[[[0. 0. 2.]\n  [1. 0. 3.]]\n\n [[5. 5. 5.]\n  [5. 5. 5.]]]\n"},
      {"x = arange(3, 2); x[[0, 2]] = -1; print(x)", "[[-1 -1]\n [ 2  3]\n [-1 -1]]\n"},
      {"x = arange(2, 3); x[:, [2, 0]] = tensor([[7, 8], [9, 10]]); print(x)",
       "[[ 8  1  7]\n [10  4  9]]\n"},
      {"x = arange(2, 3); x[None, ..., x[0] > 0] = 5; print(x)", "[[0 5 5]\n [3 5 5]]\n"},
      {"x = arange(3); x[[]] = 9; print(x, x[[]].shape)", "[0 1 2] (0,)\n"},
      {"m = arange(3) > 0; m &= arange(3) < 2; print(m)", "[False  True False]\n"},
      {"a = 5; a <<= 2; a |= 1; a ^= 4; a >>= 1; print(a)", "8\n"},
      {"print(np.dot(arange(2, 2), arange(2, 2)), np.dot(arange(3), arange(3)), np.dot(3, 4))",
       "[[ 2  3]\n [ 6 11]] 5 12\n"},
      {"np.random.seed(3); a = randn(4); torch.manual_seed(3); print(bool((a == randn(4)).all()))",
       "True\n"},
  };
  check(rows, sizeof rows / sizeof *rows);
}

Test(script, masks) {
  CHECK(
      {"x = arange(2, 3)\nprint(x[x > 2], x[(x > 0) & (x < 4)], x[x < 0], x[x[:, 0] > 0])",
       "[3 4 5] [1 2 3] [] [[3 4 5]]\n"},
      {"x = arange(2, 3).T; print(x[x > 2], x[~(x > 2) | (x == 5)])", "[3 4 5] [0 1 2 5]\n"},
      {"x = arange(2, 3)\nx[x > 3] = -1\nx[x[:, 0] == 0] = arange(3) + 7\nprint(x)",
       "[[ 7  8  9]\n [ 3 -1 -1]]\n"},
      /* One entry for each true, in C order, as NumPy assigns; a view of x is x. */
      {"x = arange(2, 3); x[x % 2 == 1] = arange(3) + 7; x[x > 8] -= 9; print(x)",
       "[[0 7 2]\n [8 4 0]]\n"},
      {"x = arange(2, 3); x.T[x.T > 2] = arange(3) * 10; print(x)", "[[ 0  1  2]\n [ 0 10 20]]\n"},
      {"x = arange(3, 2); x[x[:, 0] != 2] += arange(2, 2) * 10; print(x)",
       "[[ 0 11]\n [ 2  3]\n [24 35]]\n"},
      {"x = arange(3, 2); x[x[:, 0] != 2] = tensor([[1], [2]]); print(x)",
       "[[1 1]\n [2 3]\n [2 2]]\n"},
      {"x = arange(3); x[x > 0] = tensor([[5]])[0]; print(x)", "[0 5 5]\n"});
}

Test(script, views_are_named) {
  CHECK({"x = arange(2, 3)\nx.T\nx[:, [0, 2]]\nx",
         "i64[3 2]  min 0  mean 2.5  max 5  48 B view\n[[0 3]\n [1 4]\n [2 5]]\n"
         "i64[2 2]  min 0  mean 2.5  max 5  32 B\n[[0 2]\n [3 5]]\n"
         "i64[2 3]  min 0  mean 2.5  max 5  48 B\n[[0 1 2]\n [3 4 5]]\n"},
        {"x = arange(4); y = x[1:]\nx\ny\ntensor([1])",
         "i64[4]  min 0  mean 1.5  max 3  32 B\n[0 1 2 3]\n"
         "i64[3]  min 1  mean 2  max 3  24 B view\n[1 2 3]\n"
         "i64[1]  min 1  mean 1  max 1  8 B\n[1]\n"},
        {"x = (arange(4),); x[0][::-1]", "i64[4]  min 0  mean 1.5  max 3  32 B view\n[3 2 1 0]\n"});
}

Test(script, sequences_and_strings) {
  CHECK({"(1, 2) + (3,), [1] * 3, 'ab' * 2", "((1, 2, 3), [1, 1, 1], 'abab')\n"},
        {"t = (1, 2, 3, 4)\nt[0], t[-1], t[1:3], t[::-1], t[:0]",
         "(1, 4, (2, 3), (4, 3, 2, 1), ())\n"},
        {"'abc'[1], 'abc'[::-1]", "('b', 'cba')\n"}, {"(1)", "1\n"}, {"(1,)", "(1,)\n"},
        {"a, (b, c) = 1, (2, 3); c, b, a", "(3, 2, 1)\n"}, {"x = y = 4\nx + y", "8\n"},
        {"x = 2; x *= 3; x += 1; x", "7\n"},
        {"x = arange(2, 3); x[0] += 10; x[:, [0, 2]] *= 2; x[1, 1] **= 2; print(x)",
         "[[20 11 24]\n [ 6 16 10]]\n"},
        {"t = (2, 3); 1, *t", "(1, 2, 3)\n"},
        {"'it\\'s', \"q\\\"\", 'tab\\t', r'\\n', '\\u03b8'",
         "(\"it's\", 'q\"', 'tab\\t', '\\\\n', 'θ')\n"},
        {"'\\x1b\\x9b\\x07 é', {'a\\x9b': 1}", "('\\x1b\\x9b\\x07 é', {'a\\x9b': 1})\n"},
        {"'a' 'b'", "'ab'\n"}, {"'{} of {{{}}}'.format(1, 'x')", "'1 of {x}'\n"},
        {"d = {'a': 1, 'b': (2,)}\nd['b'], list(d.keys()), len(d)", "((2,), ['a', 'b'], 2)\n"},
        {"dict(zip(['x', 'y'], (1, 2)))", "{'x': 1, 'y': 2}\n"},
        {"(1,\n 2, # two\n 3)", "(1, 2, 3)\n"}, {"1 + \\\n 2", "3\n"}, {"5; 6;", ""},
        {"5\n_ + 1", "5\n6\n"});
}

Test(script, printing) {
  CHECK({"tensor([0., -1.]) / 0", "f32[2]  min nan  mean nan  max nan  8 B\n[ nan -inf]\n"},
        {"arange(2, 2)", "i64[2 2]  min 0  mean 1.5  max 3  32 B\n[[0 1]\n [2 3]]\n"},
        {"print(arange(2, 2), 'x', 1.5, sep='|', end='.')", "[[0 1]\n [2 3]]|x|1.5."},
        {"print(np.array([1, 2.5, nan, -inf]))", "[ 1.   2.5  nan -inf]\n"},
        {"print(np.array([1e-10, 1]))", "[1.e-10 1.e+00]\n"},
        {"print(np.array([0.1, 1/3]))", "[0.1        0.33333333]\n"},
        {"print(np.array([[1.5, -2]]))", "[[ 1.5 -2. ]]\n"},
        {"print(torch.tensor([0.1, 1/3]))", "tensor([0.1000, 0.3333])\n"},
        {"print(torch.tensor([1., 20.]))", "tensor([ 1., 20.])\n"},
        {"print(nd.array([[1, 20]]))", "\n[[  1.  20.]]\n<NDArray 1x2 @cpu(0)>\n"},
        {"print(tensor([0.1, 0.2]).to('f16'))", "[0.1 0.2]\n"},
        {"print(arange(1001))", "[   0    1    2 ⋯  998  999 1000]\n"},
        {"print(np.arange(24))",
         "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23]\n"},
        {"print(tensor([True, False]), zeros(0, 3), tensor(2.5))", "[ True False] [] 2.5\n"},
        {"zeros(2, 1, 2, dtype='i8').sum()", "i64[]  0\n"},
        {"eye(2, dtype='c64')[0]", "c64[2]  16 B view\n[1.+0.j 0.+0.j]\n"});
}

Test(script, indexing) {
  CHECK(
      {"x = arange(2, 3, 4)\nx[1, 2, 3].item(), x[-1, -1, -1].item()", "(23, 23)\n"},
      {"x = arange(2, 3, 4)\nx[1].shape, x[..., 1].shape, x[:, None].shape, x[1:, ::-1, ::2].shape",
       "((3, 4), (2, 3), (2, 1, 3, 4), (1, 3, 2))\n"},
      {"x = arange(2, 3, 4)\nx[..., None, 0].shape, x[None, ..., 0, None].shape, x[[1, 0, "
       "1]].shape",
       "((2, 3, 1), (1, 2, 3, 1), (3, 3, 4))\n"},
      {"print(arange(5)[::-2], arange(5)[-2:], arange(5)[4:1:-1])", "[4 2 0] [3 4] [4 3 2]\n"},
      {"x = arange(2, 3)\nx[:, 1] = 9\nx[0, 0] = -1\nprint(x)", "[[-1  9  2]\n [ 3  9  5]]\n"},
      {"a, b = arange(2, 2)\nprint(b)", "[2 3]\n"});
}

Test(script, views_and_shapes) {
  CHECK({"x = nd.zeros((2, 3, 4)); x.reshape((4, 0, 2)).shape, x.reshape((6, 1, -1)).shape",
         "((4, 3, 2), (6, 1, 4))\n"},
        {"x = nd.zeros((2, 3, 4)); x.reshape((-2, 1, 1)).shape, x.reshape((0, -3)).shape, "
         "x.reshape((-3, -2)).shape, x.reshape((0, -4, 1, -1, 0)).shape, "
         "x.reshape((-4, -1, 2, -2)).shape",
         "((2, 3, 4, 1, 1), (2, 12), (6, 4), (2, 1, 3, 4), (1, 2, 3, 4))\n"},
        {"x = arange(2, 3, 4)\nx.shape, x.ndim, x.size, x.strides, x.T.shape, x.dtype",
         "((2, 3, 4), 3, 24, (12, 4, 1), (4, 3, 2), i64)\n"},
        {"x = arange(2, 3, 4)\nx.size(1), x.size(-1), x.size(), x.dim(), len(x)",
         "(3, 4, (2, 3, 4), 3, 2)\n"},
        {"x = arange(2, 3, 4)\nx.view(2, -1).shape, x.reshape((6, 4)).shape, reshape(x, (4, "
         "6)).shape",
         "((2, 12), (6, 4), (4, 6))\n"},
        {"x = arange(2, 3, 4)\nx.permute(2, 0, 1).shape, x.transpose(0, 2).shape, x.transpose((1, "
         "0, 2)).shape, "
         "x.transpose().shape",
         "((4, 2, 3), (4, 3, 2), (3, 2, 4), (4, 3, 2))\n"},
        {"x = np.arange(6).reshape(2, 3)\nx.transpose(0, 1).shape", "(2, 3)\n"},
        {"x = torch.arange(6).reshape(2, 3)\nx.transpose(0, 1).shape", "(3, 2)\n"},
        {"x = arange(1, 3, 1)\nx.squeeze().shape, x.squeeze(0).shape, "
         "x.squeeze(-1).unsqueeze(0).shape, "
         "expand_dims(x, (0, -1)).shape",
         "((3,), (3, 1), (1, 1, 3), (1, 1, 3, 1, 1))\n"},
        {"x = arange(2, 3, 4)\nmoveaxis(x, 0, -1).shape, moveaxis(x, (0, 1), (-1, 0)).shape, "
         "swapaxes(x, 0, 1).shape",
         "((3, 4, 2), (3, 4, 2), (3, 2, 4))\n"},
        {"print(rot90(arange(2, 2)), flip(arange(3)), roll(arange(4), 1), tile(arange(2), (2, 2)))",
         "[[1 3]\n [0 2]] [2 1 0] [3 0 1 2] [[0 1 0 1]\n [0 1 0 1]]\n"},
        {"print(roll(arange(2, 3), (1, 1), (0, 1)), np.repeat(arange(2), 2), arange(2).repeat(2))",
         "[[5 3 4]\n [2 0 1]] [0 0 1 1] [0 0 1 1]\n"},
        {"print(torch.arange(2).repeat(2, 2))", "tensor([[0, 1, 0, 1],\n        [0, 1, 0, 1]])\n"},
        {"print(arange(2, 5).unfold(dimension=1, size=3, step=2))",
         "[[[0 1 2]\n  [2 3 4]]\n\n [[5 6 7]\n  [7 8 9]]]\n"},
        {"np.lib.stride_tricks.sliding_window_view(arange(4, 5), (2, 3)).shape", "(3, 3, 2, 3)\n"},
        {"print(diagonal(arange(3, 3)), arange(3, 3).diagonal(1))", "[0 4 8] [1 5]\n"},
        {"broadcast_to(arange(3), (2, 3)).shape, arange(3, 1).expand(-1, 4).shape",
         "((2, 3), (3, 4))\n"},
        {"print(*split(arange(4), 2), *torch.split(torch.arange(4), 1)[3].shape)",
         "[0 1] [2 3] 1\n"});
}

Test(script, reductions) {
  CHECK({"x = arange(2, 3)\nprint(x.sum(), x.sum(0), x.sum(axis=1), x.sum(dim=(0, 1)), sum(x, -1, "
         "keepdims=True))",
         "15 [3 5 7] [ 3 12] 15 [[ 3]\n [12]]\n"},
        {"x = arange(2, 3)\nprint(x.mean(), x.max(1), x.min(), x.prod(0), x.any(), x.all(1), "
         "x.argmax(), x.argmax(dim=0))",
         "2.5 [2 5] 0 [ 0  4 10] True [False  True] 5 [1 1 1]\n"},
        {"print(np.var(np.array([1., 3.])), torch.var(torch.tensor([1., 3.])), "
         "np.std(np.array([1., 3.])))",
         "1. tensor(2.) 1.\n"},
        {"v, i = torch.max(torch.tensor([[1, 5], [7, 2]]), dim=1)\nprint(v, i)",
         "tensor([5, 7]) tensor([1, 0])\n"},
        {"sum((1, 2, 3)), sum([0.5, 1])", "(6, 1.5)\n"},
        {"jnp.arange(4).sum().dtype, np.arange(4).sum().dtype, nd.arange(4).sum().dtype",
         "(i32, i64, f32)\n"});
}

/* Each library's own types for new arrays, and its own ways to call the same thing. */
Test(script, name_spaces) {
  CHECK({"arange(2).dtype, np.arange(2).dtype, jnp.arange(2).dtype, torch.arange(2).dtype, "
         "nd.arange(2).dtype",
         "(i64, i64, i32, i64, f32)\n"},
        {"zeros(2).dtype, np.zeros(2).dtype, jnp.zeros(2).dtype, torch.zeros(2).dtype, "
         "nd.zeros(2).dtype",
         "(f32, f64, f32, f32, f32)\n"},
        {"arange(2, 3).shape, np.arange(2, 3).shape, torch.arange(2, 3).shape, range(2, 3).shape",
         "((2, 3), (1,), (1,), (1,))\n"},
        {"(jnp.arange(3) / 2).dtype, (np.arange(3) / 2).dtype, (torch.arange(3) / 2).dtype",
         "(f32, f64, f32)\n"},
        {"np.float32, jnp.int32, torch.bfloat16, float32", "(f32, i32, bf16, f32)\n"},
        {"arange(3).astype('float64').dtype, arange(3).to(torch.int8).dtype, "
         "arange(3).float().dtype, "
         "np.array([1], dtype=float).dtype",
         "(f64, i8, f32, f64)\n"},
        {"import numpy as xp\nfrom torch import nn as layers\nxp.zeros((2, 3)).shape, "
         "layers.Unfold(2)(ones(1, 1, 3, 3)).shape",
         "((2, 3), (1, 4, 4))\n"},
        {"from einops import einsum\neinsum(arange(2, 3), arange(3), 'row col, col -> row').shape",
         "(2,)\n"},
        {"einops.einsum(arange(2, 3), arange(3), 'a b, b -> a').shape, np.einsum('ab,b->a', "
         "arange(2, 3), arange(3)).shape, "
         "einsum(arange(2, 3), arange(3), 'ab,b->a').shape, torch.einsum('ab,b', [arange(2, 3), "
         "arange(3)]).shape",
         "((2,), (2,), (2,), (2,))\n"},
        {"x = nd.arange(6).reshape((2, 3, 1, 1))\nx.reshape((-1, 1, 0, 0)).shape, x.reshape((0, "
         "-1)).shape",
         "((6, 1, 1, 1), (2, 3))\n"},
        {"F.pad(arange(2, 2), (1, 0)).shape, np.pad(arange(2, 2), ((1, 0), (0, 0))).shape, "
         "pad(arange(2, 2), (0, 0, 1, 0)).shape",
         "((2, 3), (3, 2), (3, 2))\n"},
        {"nn.PixelShuffle(2)(arange(1, 4, 2, 2)).shape, nn.MaxPool2d(2)(arange(1, 1, 4, 4)).shape, "
         "nn.ReLU()(arange(3) - 1).sum().item()",
         "((1, 1, 4, 4), (1, 1, 2, 2), 1)\n"});
}

Test(script, elementwise) {
  CHECK({"print(round(tensor([0.125, -2.675, 1e9]), 2), np.round(np.array([2.5, 3.14159]), 3))",
         "[ 1.20e-01 -2.68e+00  1.00e+09] [2.5   3.142]\n"},
        {"arange(3).round(2).dtype", "i64\n"},
        {"print(arange(3) + arange(2, 1), 2 - arange(3), arange(3) // 2, arange(3) ** 2)",
         "[[0 1 2]\n [1 2 3]] [2 1 0] [0 0 1] [0 1 4]\n"},
        {"print(arange(4) % 3 == 1, -arange(2), abs(arange(3) - 1))",
         "[False  True False False] [ 0 -1] [1 0 1]\n"},
        {"print(where(arange(3) > 1, arange(3), -1), maximum(arange(3), 1), clip(arange(5), 1, 3))",
         "[-1 -1  2] [1 1 2] [1 1 2 3 3]\n"},
        {"torch.where(torch.arange(2) == 1, torch.zeros(2), 1.0).dtype, (torch.zeros(2) + "
         "0.5).dtype, (arange(2) + 0.5).dtype",
         "(f32, f32, f64)\n"},
        {"print(arange(2, 2) @ arange(2), arange(3) @ arange(3), (arange(2, 2, 3) @ arange(3, "
         "1)).shape)",
         "[1 3] 5 (2, 2, 1)\n"},
        {"print(tensor([1, 4]).sqrt(), exp(zeros(1)), np.add(arange(2), 1), mul(3, arange(2)))",
         "[1. 2.] [1.] [1 2] [0 3]\n"});
}

Test(script, notation) {
  CHECK(
      {"print(einsum('ij->ji', arange(2, 3)), einsum('i i -> i', arange(3, 3)))",
       "[[0 3]\n [1 4]\n [2 5]] [0 4 8]\n"},
      {"rearrange(arange(1, 4, 2, 2), 'b (g c) h w -> b g c h w', g=2).shape", "(1, 2, 2, 2, 2)\n"},
      {"print(reduce(arange(2, 3), 'a b -> a', 'max'), reduce(arange(2, 3), 'a b -> b', sum))",
       "[2 5] [3 5 7]\n"},
      {"print(repeat(arange(2), 'a -> (a b)', b=2))", "[0 0 1 1]\n"},
      {"packed, shapes = pack([arange(2, 3), arange(2)], 'a *')\nx, y = unpack(packed, shapes, 'a "
       "*')\n"
       "packed.shape, shapes, x.shape, y.shape",
       "((2, 4), [(3,), ()], (2, 3), (2,))\n"},
      {"parse_shape(arange(2, 3, 4), 'b _ c')", "{'b': 2, 'c': 4}\n"},
      {"x, y = einsum('b (x ^ y) -> b x, b y', arange(2, 5), x=2)\nx.shape, y.shape",
       "((2, 2), (2, 3))\n"},
      {"einsum('b (2*h+kh) -> b h | max', arange(2, 6), kh=2).shape, einsum('b (2*h+kh) -> b h', "
       "arange(2, 6), kh=2, reducer='max').shape",
       "((2, 3), (2, 3))\n"},
      {"einsum('i,i->', arange(3), arange(3), out_dtype='f32').dtype, einsum('i, k -> (2*i+k)', "
       "arange(3), arange(2), shape=(7,)).shape",
       "(f32, (7,))\n"},
      {"einsum('ij,jk->ik', ones(1, 3), ones(1, 2)).shape", "(1, 2)\n"},
      {"x, y = tensor([1e8, 1, -1e8], dtype=f32), ones(3, dtype=f32)\n"
       "p = 'i, i ->'; a = einsum(p, x, y).item(); b = einsum(p, x, y, precise=True).item()\n"
       ".set precise on\nc = einsum(p, x, y).item(); d = einsum(p, x, y, "
       "precise=False).item()\n"
       ".set precise\na, b, c, d",
       "on\n(0.0, 1.0, 1.0, 0.0)\n"},
      {"infer_shape('b c (h+kh), o c kh -> b o h', (2, 3, 9), (4, 3, 2))", "(2, 4, 8)\n"},
      {"cost('i j, j k -> i k', (3, 4), (4, 5))['multiply_adds']", "60\n"},
      {"explain('ij->', (3, 4)) != '', explain('ij->ji', arange(2, 3), stages='x') != ''",
       "(True, True)\n"});
}

Test(script, layers) {
  CHECK({"conv2d(arange(1, 2, 5, 5), ones(3, 2, 3, 3), padding='same').shape, "
         "conv2d(arange(1, 2, 5, 5), ones(3, 2, 3, 3), None, 2, 1).shape, "
         "conv2d(arange(1, 2, 5, 5), ones(3, 2, 3, 3), padding=((1, 2), (0, 1))).shape",
         "((1, 3, 5, 5), (1, 3, 3, 3), (1, 3, 6, 4))\n"},
        {"softmax(zeros(2, 4), axis=-1).shape, arange(3).relu().shape, zeros(2).softmax(-1).shape",
         "((2, 4), (3,), (2,))\n"},
        {"torch.nn.Fold(output_size=(3, 3), kernel_size=2)(ones(1, 4, 4)).sum().item()", "16.0\n"},
        {"print(nd.Convolution(nd.ones((1, 1, 4)), weight=nd.ones((2, 1, 3)), kernel=(3,), "
         "num_filter=2, pad=(1,)))",
         "\n[[[ 2.  3.  3.  2.]\n  [ 2.  3.  3.  2.]]]\n<NDArray 1x2x4 @cpu(0)>\n"},
        {"mx.sym.Convolution(kernel=(3, 3), num_filter=8, num_group=2, pad=(1, 1), "
         "name='c').infer_shape(data=(2, 4, 5, 5))",
         "([(2, 4, 5, 5), (8, 2, 3, 3), (8,)], [(2, 8, 5, 5)], [])\n"});
}

/* Every layer's own example runs. */
Test(script, examples_of_the_table) {
  static result r;
  if (access(PROGRAM, X_OK) != 0) cr_skip_test("built without the binary");
  for (int i = 0; i < es_op_count(); i++) {
    const es_op *op = es_op_at(i);
    run(op->example, &r);
    cr_expect(r.code == 0 && r.out[0], "%s: %s\n%s", op->name, op->example, r.err);
  }
}

/* ---- errors: exit code, place and a word of the sentence ------------------------ */

Test(script, errors) {
  static const struct {
    const char *text;
    int code;
    const char *place, *words;
  } rows[] = {
      {"x = (1, 2", 3, ":1:5:", "not closed"},
      {"x = (1,\n  [2,", 3, ":2:3:", "not closed"},
      {"f(1,", 3, ":1:2:", "not closed"},
      {"x[0,", 3, ":1:2:", "not closed"},
      {"1 +", 3, ":1:4:", "expected a value"},
      {"1 2", 3, ":1:3:", "expected an operator"},
      {"x = 'abc", 3, ":1:5:", "not closed"},
      {"'\\x4'", 3, ":1:1:", "hexadecimal"},
      {"3 = x", 3, ":1:1:", "assigned"},
      {"if x: 1", 3, ":1:1:", "belong to C"},
      {"[i for i in x]", 3, ":1:4:", "belong to C"},
      {"1 if 2 else 3", 3, ":1:3:", "where(condition"},
      {"del x", 3, ":1:1:", "x = None"},
      {"1 is 1", 3, ":1:3:", "write == or !="},
      {"f() += 1", 3, ":1:1:", "only a name or x[…]"},
      {"exit()", 4, ":1:1:", "write .quit"},
      {"arange(3).fill(0)", 4, ":1:1:", "write a[...] = 0"},
      {"np.sort(arange(3))", 4, ":1:1:", "np has no 'sort' ["},
      {"np.vstack([1])", 4, ":1:1:", "write concat("},
      {"np.einsum?(", 3, ":1:10:", "?name explains"},
      {"conv2d(1, 1, kernel=3)", 4, ":1:14:", "it takes input, weight, bias=, stride="},
      {"pad(arange(3), ((1, 1),))", 4, ":1:16:", "pad must be an integer"},
      {"x = arange(3); x[x > 0] = arange(3)", 4, ":1:16:", "cannot be broadcast to (2,)"},
      {"nd.zeros((2, 3)).reshape((0, 0, 0))", 4, ":1:1:", "code 0 does not fit"},
      {"nd.zeros((2, 3)).reshape((0, -3))", 4, ":1:1:", "code -3 does not fit"},
      {"nd.zeros((2, 3)).reshape((-4, 2, -2))", 4, ":1:1:", "code -4 does not fit"},
      {"nd.zeros((2, 4)).reshape((0, -4, 3, -1))", 4, ":1:1:", "code -4 does not fit"},
      {"nd.zeros((2, 3)).reshape((0, -5))", 4, ":1:1:", "code -5 does not fit"},
      {"ones(3, 2) / ones(3)", 4, ":1:1:", "see ?broadcasting"},
      {"arange(3).round(1, 2)", 4, ":1:20:", "at most 2 positional arguments, found 3"},
      {"round(1.5, -1)", 4, ":1:12:", "decimals is 0 to 15"},
      {"abs(1, 2)", 4, ":1:8:", "at most 1 positional argument, found 2"},
      {"arange(3).grad", 4, ":1:1:", "write einsum("},
      {"lambda x: x", 3, ":1:1:", "belong to C"},
      {"12abc", 3, ":1:1:", "no number"},
      {"x ? y", 3, ":1:3:", "'?'"},
      {"99999999999999999999", 3, ":1:1:", "64 bits"},
      {"1 < arange(2) < 3", 4, ":1:5:", "use any() or all()"},
      {"1 not 2", 3, ":1:7:", "expected 'in' after 'not'"},
      {"x = arange(2, 3); x[[True, False, True]]", 4, ":1:19:", "a mask of 3 entries"},
      {"x = arange(2, 3); x[[0, 1], [0, 1, 2]]", 4, ":1:19:", "3 of them do not pair with 2"},
      {"x = arange(2, 3); x[[0, 1], [0, 3]]", 4, ":1:19:", "3"},
      {"x = arange(3); x.cumsum", 4, ":1:16:", "write einsum("},
      {"x = arange(3); x.softmax", 3, ":1:16:", "write .softmax("},
      {"x = arange(2, 3); x[x > 0, 0]", 1, ":1:19:", "a mask with 2 axes stands alone"},
      {"x = arange(2, 3); x[np.ones(2)]", 4, ":1:19:", "integers or booleans, found f64"},
      {"arange(3) & 1", 4, ":1:1:", "tensors of booleans"},
      {"arange(3) << 1", 4, ":1:1:", "write x * 2 ** n"},
      {"arange(3)?", 3, ":1:10:", "?name explains"},
      {"f'a {1 + }'", 3, ":1:10:", "expected a value"},
      {"f'{}'", 3, ":1:4:", "one expression stands"},
      {"f'{1 if 2}'", 3, ":1:4:", "one expression stands"},
      {"f'{1'", 3, ":1:3:", "not closed"},
      {"f'1}'", 3, ":1:4:", "without its '{'"},
      {"f'{nosuch}'", 4, ":1:4:", "not defined"},
      {"f'{1.5:d}'", 4, ":1:1:", "an integer, found a float"},
      {"f'{1:q}'", 1, ":1:1:", "{:8.3f}"},
      {"np.zeros(2, 3)", 4, ":1:13:", "zeros((2, 3))"},
      {"rearrange('a b -> b a', ones(2, 3))", 4, ":1:25:", "the tensor comes first"},
      {"tf.nn.relu(1)", 4, ":1:1:", "the name spaces are np"},
      {"1 \xc3\x97 2", 3, ":1:3:", "write *"},
      {"%timeit 1", 3, ":1:1:", ".time on"},
      {"x = arange(2, 3); x[x[0] > 0]", 4, ":1:19:", "a mask of shape (3,)"},
      {"\n\nnaïve + θ", 4, ":3:1:", "not defined"},
      {"'é' + θ", 4, ":1:7:", "'θ' is not defined"},
      {"np.zeroes(3)", 4, ":1:1:", "did you mean 'zeros'"},
      {"arange(3).reshap(3)", 4, ":1:1:", "did you mean 'reshape'"},
      {"arange(3).shap", 4, ":1:1:", "did you mean 'shape'"},
      {"arange(3).sum", 3, ":1:1:", "method"},
      {"sum(arange(3), axes=0)", 4, ":1:16:", "did you mean 'axis'"},
      {"sum(arange(3), 0, axis=0)", 4, ":1:19:", "twice"},
      {"sum()", 4, ":1:1:", "needs 'x'"},
      {"1 / 0", 4, ":1:1:", "division by zero"},
      {"9223372036854775807 + 1", 1, ":1:1:", "64 bits"},
      {"'a' + 1", 4, ":1:1:", "between a string and an integer"},
      {"(1, 2)[2]", 4, ":1:1:", "outside"},
      {"arange(3)[5]", 4, ":1:1:", "axis 0 of size 3"},
      {"arange(2, 3)[0, 0, 0]", 4, ":1:1:", "3 indices for a tensor with 2 axes"},
      {"a, b = 1, 2, 3", 4, ":1:1:", "expected 2 values to unpack, found 3"},
      {"tensor([[1, 2], [3]])", 4, ":1:8:", "ragged"},
      {"arange(3).astype('float33')", 4, ":1:18:", "float33"},
      {"bool(arange(3))", 4, ":1:6:", "any() or all()"},
      {"nn.Conv2d(3, 4, 3)", 1, ":1:1:", "conv2d(x, weight"},
      {"nd.Convolution(nd.ones((1, 3, 2, 2)), nd.ones((2, 3, 1, 1)), kernel=(1, 1), num_filter=2, "
       "num_group=2)",
       4, ":1:1:", "data has 3 channels, num_group * weight_channels is 2 * 3 = 6"},
      {"rearrange(arange(2, 3), 'a b -> a c')", 4, ":1:1:", "S1"},
      {"rearrange(arange(6), '(a b) -> a b', a=4)", 4, ":1:1:", "S8"},
      {"einsum('ij,jk->ik', arange(2, 3), arange(2, 3))", 4, ":1:1:", "S7"},
      {"reduce(arange(2), 'a ->', 'median')", 4, ":1:27:", "no reducer"},
      {"conv2d(arange(1, 1, 4, 4), ones(1, 1, 2, 2), padding='some')", 4,
       ":1:46:", "'same', 'valid'"},
      {"load('/nonexistent/x.npy')", 1, ":1:1:", "/nonexistent/x.npy"},
  };
  static result r;
  if (access(PROGRAM, X_OK) != 0) cr_skip_test("built without the binary");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    run(rows[i].text, &r);
    cr_expect_eq(r.code, rows[i].code, "%s\nends with %d instead of %d: %s", rows[i].text, r.code,
                 rows[i].code, r.err);
    cr_expect(strstr(r.err, rows[i].place) != NULL, "%s: no %s in %s", rows[i].text, rows[i].place,
              r.err);
    cr_expect(strstr(r.err, rows[i].words) != NULL, "%s: no '%s' in %s", rows[i].text,
              rows[i].words, r.err);
    cr_expect_str_empty(r.out);
  }
}

/* After an error variables hold what they held. */
Test(script, an_error_changes_nothing) {
  static result r;
  if (access(PROGRAM, X_OK) != 0) cr_skip_test("built without the binary");
  run("x = arange(3)\nx = x.reshape(2)", &r);
  cr_expect_eq(r.code, 4);
  run("x = arange(4)\nx[1:3] = arange(3)", &r);
  cr_expect_eq(r.code, 4);
}
