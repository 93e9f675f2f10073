#!/usr/bin/env python3
"""How much of the library the tests run, by file, and whether that is less than it was.

    coverage.py SUMMARY     SUMMARY is what `gcovr --json-summary` wrote; `./dev coverage` does

The kernels are listed, their lines count; their branches do not: each kernel is a template that
is compiled for every type and vector width, and one line of it holds hundreds of branches. The
lexer is left out altogether, as re2c writes it. Nothing is excluded by marks in the sources."""
import json
import sys

# Name, files (their paths start so) and what has been reached of their lines and branches, in
# whole percent, rounded down. These figures only rise.
RATCHET = [
    ("parser", ("lexer/",), (100, 100)),
    ("axes, bind", ("engine/bind/",), (100, 100)),
    ("views", ("base/view", "engine/tensor/view"), (100, 100)),
    ("readers of .npy, .npz", ("io/npy", "io/npz"), (100, 100)),
    ("total", ("",), (99, 91)),  # branches without the kernels'
]
KERNELS = "engine/kernels/"


def percent(covered, total):
    return 100 * covered / total if total else 100


def main(summary):
    with open(summary, encoding="utf-8") as file:
        files = sorted(json.load(file)["files"], key=lambda f: f["filename"])
    print(f"{'':42}{'lines':>14}{'%':>7}{'branches':>14}{'%':>7}")

    def row(name, part, branches):
        line, line_total = (sum(f[k] for f in part) for k in ("line_covered", "line_total"))
        branch, branch_total = (sum(f[k] for f in branches) for k in ("branch_covered", "branch_total"))
        reached = percent(line, line_total), percent(branch, branch_total)
        print(f"{name:42}{f'{line}/{line_total}':>14}{reached[0]:7.1f}"
              f"{f'{branch}/{branch_total}':>14}{reached[1]:7.1f}")
        return reached

    for f in files:
        row(f["filename"], [f], [f])
    above = [f for f in files if not f["filename"].startswith(KERNELS)]
    print()
    row("the kernels", [f for f in files if f not in above], [f for f in files if f not in above])
    below = []
    for name, prefixes, floor in RATCHET:
        part = [f for f in above if f["filename"].startswith(prefixes)]
        lines = files if name == "total" else part
        reached = row(name, lines, part)
        below += [f"{name}: {is_:.1f} % of {what}, where {least} % have been reached"
                  for what, is_, least in zip(("lines", "branches"), reached, floor) if is_ < least]
    for text in below:
        print(f"fell: {text}", file=sys.stderr)
    return bool(below)


sys.exit(main(sys.argv[1]))
