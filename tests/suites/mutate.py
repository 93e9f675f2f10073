#!/usr/bin/env python3
"""Mutation testing of the code that guards memory: checked arithmetic, views, bind.

Every mutant is one small change (an operator, a constant, a condition, a check left out),
built in a copy of the sources and run against the tests of that file. A mutant that no test
notices is printed: a test is missing there, or the code is not needed.

    mutate.py COPY [--each N] [FILE...]     takes every N-th mutant of each file
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

VIEW = [["test_view"], ["test_views"], ["test_tensor"], ["test_hostile"], ["suite_views", "300000"]]
BIND = [["test_bind"], ["test_cases"], ["test_axes"], ["test_hostile"], ["test_scarce"], ["suite_differential", "600"]]
TESTS = {
    "base/checked.h": [["test_checked"]],
    "base/view.c": VIEW,
    "engine/bind/bind.c": BIND,
    "engine/bind/bind_check.c": BIND,
    "engine/bind/bind_choose.c": BIND,
    "engine/bind/bind_parts.c": BIND,
    "engine/bind/bind_types.c": BIND,
    "engine/bind/bind_walk.c": BIND,
}

# A header whose test needs nothing else of the library is built with its test alone.
ALONE = {"base/checked.h"}

# What is replaced, and by what. Of code only: comments, texts and #lines are left alone.
RULES = [
    (r"(?<![<-])<(?![<=])", "<="),
    (r"(?<![<])<=", "<"),
    (r"(?<![>-])>(?![>=])", ">="),
    (r"(?<![>])>=", ">"),
    (r"==", "!="),
    (r"!=", "=="),
    (r"&&", "||"),
    (r"\|\|", "&&"),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " + "),
    (r"\+\+", "--"),
    (r"\breturn true\b", "return false"),
    (r"\breturn false\b", "return true"),
    (r"if \(!", "if ("),
    (r"(?<![\w.])0(?![\w.])", "1"),
    (r"(?<![\w.])1(?![\w.])", "2"),
    (r"ES_TRY\((.*)\);", r"(void)(\1);"),
]
TIMEOUT = 120


def code_lines(text):
    """Lines with comments and texts blanked, so that places agree with the original."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', blank, text)
    return text.split("\n")


def mutants(text):
    lines = text.split("\n")
    for number, code in enumerate(code_lines(text)):
        if code.lstrip().startswith("#") or "es_fail(" in code:
            continue
        for pattern, replacement in RULES:
            for found in re.finditer(pattern, code):
                line = lines[number]
                changed = line[: found.start()] + found.expand(replacement) + line[found.end() :]
                if changed != line:
                    yield number, changed, lines


def run(command, cwd, **keywords):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          **keywords)


class Copy:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.source, self.build = self.folder / "source", self.folder / "build"
        self.source.mkdir(parents=True, exist_ok=True)
        listed = subprocess.run(["git", "ls-files", "-z"], check=True, stdout=subprocess.PIPE)
        for name in filter(None, listed.stdout.decode().split("\0")):
            self.copy_file(pathlib.Path(name))
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if os.path.exists("/usr/bin/ccache") else []
        (self.build / "tests").mkdir(parents=True, exist_ok=True)
        run(["cmake", "-G", "Ninja", "-S", str(self.source.resolve()), "-B", str(self.build),
             "-DCMAKE_BUILD_TYPE=Release", "-DEINSTRIDE_BENCH=OFF", *launcher], ".", check=True)

    def copy_file(self, name):
        target = self.source / name
        if target.exists() and target.read_bytes() == name.read_bytes():
            return  # what has not changed need not be built again
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)

    def make(self, tests, alone=False):
        if alone:
            return all(run(["cc", "-std=c17", "-O1", "-I", "source", "-I", "source/include", f"source/tests/{t[0]}.c",
                            "-o", f"build/tests/{t[0]}", "-lcriterion"], self.folder).returncode == 0 for t in tests)
        return run(["ninja", "-C", str(self.build), *[t[0] for t in tests]], ".").returncode == 0

    def notices(self, tests):
        """Whether a test fails, crashes or does not end."""
        for name, *arguments in tests:
            try:
                test = [str((self.build / "tests" / name).resolve()), *arguments]
                if run(test, self.build, timeout=TIMEOUT).returncode != 0:
                    return True
            except subprocess.TimeoutExpired:
                return True
        return False


def one_file(copy, name, each):
    path, tests = copy.source / name, TESTS[name]
    text = path.read_text(encoding="utf-8")
    alone = name in ALONE
    if not copy.make(tests, alone) or copy.notices(tests):
        sys.exit(f"{name}: the tests fail without a mutant")
    tally = {"killed": 0, "survived": 0, "no program": 0}
    try:
        for number, changed, lines in list(mutants(text))[::each]:
            path.write_text("\n".join(lines[:number] + [changed] + lines[number + 1 :]),
                            encoding="utf-8")
            if not copy.make(tests, alone):
                tally["no program"] += 1
            elif copy.notices(tests):
                tally["killed"] += 1
            else:
                tally["survived"] += 1
                print(f"{name}:{number + 1}\n  - {lines[number].strip()}\n  + {changed.strip()}",
                      flush=True)
    finally:
        path.write_text(text, encoding="utf-8")
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("copy")
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("files", nargs="*", default=list(TESTS))
    options = parser.parse_intermixed_args()
    start, copy = time.time(), Copy(options.copy)
    for name in options.files or TESTS:
        tally = one_file(copy, name, options.each)
        print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in tally.items())
              + f" ({time.time() - start:.0f} s)", flush=True)


main()
