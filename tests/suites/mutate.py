#!/usr/bin/env python3
"""Mutation testing of the code that guards memory: checked arithmetic, views, bind.

Every mutant is one small change (an operator, a constant, a condition, a check left out). It is
compiled beside a finished build, linked before the library and run against the tests of its file.
A mutant that no test notices is printed: a test is missing there, or the code is not needed. The
exit status is 0 when there are none but those of EQUIVALENT.

    mutate.py BUILD [--each N] [FILE...]     takes every N-th mutant of each file
"""
import argparse
import os
import pathlib
import queue
import re
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

VIEW = [["test_view"], ["test_tensor"], ["test_views"], ["suite_views", "300000"], ["test_hostile"]]
BIND = [["test_bind"], ["test_bind_edges"], ["test_cases"], ["test_axes"], ["test_hostile"], ["test_scarce"], ["suite_differential", "600"]]
TESTS = {
    "base/checked.h": [["test_checked"]],
    "base/view.c": VIEW,
    "engine/bind/bind_check.c": BIND,
    "engine/bind/bind.c": BIND,
    "engine/bind/bind_choose.c": BIND,
    "engine/bind/bind_parts.c": BIND,
    "engine/bind/bind_types.c": BIND,
    "engine/bind/bind_walk.c": BIND,
}
DEFAULT = ["base/checked.h", "base/view.c", "engine/bind/bind_check.c"]

# Mutants that no input tells from the original: file, line, what it becomes, why.
EQUIVALENT = [
    ("base/view.c", "int64_t *end = strides[i] < 0 ? low : high;", "int64_t *end = strides[i] <= 0 ? low : high;",
     "a stride of 0 adds 0 to either end"),
    ("base/view.c", "int64_t *end = strides[i] < 0 ? low : high;", "int64_t *end = strides[i] < 1 ? low : high;",
     "a stride of 0 adds 0 to either end"),
    ("base/view.c", "for (int j = i; j > 0 && a[j].stride < a[j - 1].stride; j--) {",
     "for (int j = i; j > 0 && a[j].stride <= a[j - 1].stride; j--) {", "equal strides may stand in any order"),
    ("base/view.c", "if (new_run < old_run) {", "if (new_run <= old_run) {", "the loop ends where they are equal"),
    ("engine/bind/bind_check.c",
     "if (!es_walk_copy(b->arena, &all, 0, &w->start) || !es_walk_copy(b->arena, &all, 0, &w->taps))",
     "if (!es_walk_copy(b->arena, &all, 1, &w->start) || !es_walk_copy(b->arena, &all, 0, &w->taps))",
     "room that nothing fills"),
    ("engine/bind/bind_check.c",
     "if (!es_walk_copy(b->arena, &all, 0, &w->start) || !es_walk_copy(b->arena, &all, 0, &w->taps))",
     "if (!es_walk_copy(b->arena, &all, 0, &w->start) || !es_walk_copy(b->arena, &all, 1, &w->taps))",
     "room that nothing fills"),
    ("engine/bind/bind_check.c", "enum { MAX_TRIED = 1 << 20 };", "enum { MAX_TRIED = 2 << 20 };",
     "a bound on work: what is not told here, the run reports"),
    ("engine/bind/bind_check.c",
     "int64_t n = w->start.n ? r->label[w->start.label[0]].extent : 1;",
     "int64_t n = w->start.n ? r->label[w->start.label[0]].extent : 2;",
     "where no label moves the window a second look says what the first did"),
    ("engine/bind/bind_check.c", "if (d < 0) d = -d;", "if (d <= 0) d = -d;", "0 has no sign"),
    ("engine/bind/bind_check.c", "if (d < 0) d = -d;", "if (d < 1) d = -d;", "0 has no sign"),
    ("engine/bind/bind_check.c",
     "if (d <= extent || n > MAX_TRIED) return true; /* taps cannot step over the axis */",
     "if (d < extent || n > MAX_TRIED) return true; /* taps cannot step over the axis */",
     "a short cut before a walk that says the same"),
    ("engine/bind/bind_check.c",
     "if (d <= extent || n > MAX_TRIED) return true; /* taps cannot step over the axis */",
     "if (d <= extent || n >= MAX_TRIED) return true; /* taps cannot step over the axis */",
     "a bound on work: what is not told here, the run reports"),
    ("engine/bind/bind_check.c",
     "if (d <= extent || n > MAX_TRIED) return true; /* taps cannot step over the axis */",
     "if (d <= extent && n > MAX_TRIED) return true; /* taps cannot step over the axis */",
     "a short cut before a walk that says the same"),
]

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
TIMEOUT = 60  # seconds; a test takes one
# Of the mutant alone: what reads past an end is noticed even where nothing comes of it.
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
ENVIRONMENT = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}


def code_lines(text):
    """Lines with comments and texts blanked, so that places agree with the original."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', blank, text)
    return text.split("\n")


def mutants(text):
    """Number of the line, from 0, and what it becomes."""
    lines = text.split("\n")
    for number, code in enumerate(code_lines(text)):
        if code.lstrip().startswith("#") or "es_fail(" in code:
            continue
        for pattern, replacement in RULES:
            for found in re.finditer(pattern, code):
                line = lines[number]
                changed = line[: found.start()] + found.expand(replacement) + line[found.end() :]
                if changed != line:
                    yield number, changed


def without(command, *options):
    """The command without these options and what follows each of them."""
    kept, skip = [], False
    for word in command:
        if not skip and word not in options:
            kept.append(word)
        skip = not skip and word in options
    return kept


class Build:
    """A finished build: its commands, with other files put in."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.commands = {}

    def command(self, target):
        """How ninja makes it."""
        if target not in self.commands:
            text = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", "-s", target], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            self.commands[target] = [w for w in shlex.split(text.strip()) if w not in (":", "&&")]
        return self.commands[target]

    def succeeds(self, command):
        """Whether it ends well in time; with it end the processes that it started."""
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True)
        try:
            return process.wait(TIMEOUT) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def compile(self, object_file, source, headers, into, watch):
        """As object_file is compiled, but source, with the headers there before all others."""
        command = without(self.command(object_file), "-MT", "-MF", "-o", "-c")
        command = [w for w in command if w not in ("-MD", "-Werror")]
        return self.succeeds([*command, "-w", "-O1", *watch, "-iquote", headers, "-o", into, "-c", source])

    def link(self, test, object_file, into, watch):
        """In place of the test's own object, or else before the library, which then need not give
        those symbols."""
        command = without(self.command(f"tests/{test}"), "-o")
        own = test_object(test)
        if object_file.name == TEST_OBJECT:
            command.remove(own)
        return self.succeeds([*command[:1], *watch, object_file, *command[1:], "-o", into])


TEST_OBJECT = "test.o"


def test_object(test):
    return f"tests/CMakeFiles/{test}.dir/{test}.c.o"


class Worker:
    """A folder for one mutant at a time."""

    def __init__(self, build, number):
        self.build = build
        self.folder = build.folder / "mutants" / str(number)

    def make(self, name, test, watch):
        """Compiles what the mutant is in; of a header that is the test."""
        if name.endswith(".h"):
            source = f"{pathlib.Path(__file__).parents[1]}/{test}.c"
            return self.build.compile(test_object(test), source, self.folder, self.folder / TEST_OBJECT, watch)
        unit = f"CMakeFiles/einstride_objects.dir/{name}.o"
        return self.build.compile(unit, self.folder / name, self.folder, self.folder / "mutant.o", watch)

    def judged(self, name, watch):
        header = name.endswith(".h")
        unit = self.folder / (TEST_OBJECT if header else "mutant.o")
        made = False
        for test, *arguments in TESTS[name]:
            made = made and not header or self.make(name, test, watch)
            if not made or not self.build.link(test, unit, self.folder / "test", watch):
                return "no program"
            if not self.build.succeeds([self.folder / "test", *arguments]):
                return "killed"
        return "survived"

    def verdict(self, name, text):
        """killed, survived or no program. Sanitizers are slow: they look at what has survived."""
        source = self.folder / name
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text, encoding="utf-8")
        try:
            first = self.judged(name, [])
            return self.judged(name, SANITIZE) if first == "survived" else first
        finally:
            source.unlink()  # or the next file would see this header


def one_file(workers, pool, name, each):
    text = pathlib.Path(name).read_text(encoding="utf-8")
    lines = text.split("\n")

    def judge(mutant):
        number, changed = mutant
        worker = workers.get()
        try:
            return worker.verdict(name, "\n".join(lines[:number] + [changed] + lines[number + 1 :]))
        finally:
            workers.put(worker)

    if judge((0, lines[0])) != "survived":
        sys.exit(f"{name}: the tests fail without a mutant")
    allowed = {(line, changed) for file, line, changed, _ in EQUIVALENT if file == name}
    tally = {"killed": 0, "survived": 0, "equivalent": 0, "no program": 0}
    met = set()
    wanted = list(mutants(text))[::each]
    for (number, changed), verdict in zip(wanted, pool.map(judge, wanted)):
        key = lines[number].strip(), changed.strip()
        if key in allowed:
            met.add(key)
            verdict = {"survived": "equivalent", "killed": "survived"}.get(verdict, verdict)
            if verdict == "survived":
                print(f"{name}:{number + 1}: listed as equivalent, and killed:")
        tally[verdict] += 1
        if verdict == "survived":
            print(f"{name}:{number + 1}\n  - {key[0]}\n  + {key[1]}", flush=True)
    stale = allowed - met if each == 1 else set()
    for line, changed in stale:
        print(f"{name}: listed as equivalent, and there is no such mutant:\n  - {line}\n  + {changed}")
    print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in tally.items()), flush=True)
    return tally["survived"] == 0 and not stale


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("files", nargs="*")
    options = parser.parse_intermixed_args()
    start, build, jobs = time.time(), Build(options.build), os.cpu_count() or 1
    workers = queue.Queue()
    for number in range(jobs):
        workers.put(Worker(build, number))
    with ThreadPoolExecutor(jobs) as pool:
        clean = [one_file(workers, pool, name, options.each) for name in options.files or DEFAULT]
    print(f"{time.time() - start:.0f} s")
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
