#!/usr/bin/env python3
"""Evaluates the lines that `suite_differential --write FILE COUNT` wrote with NumPy, and
compares them to the bit; with what the oracle of the tests shares nothing but the manual.

An operand is gathered over all labels by index arrays, operands are combined by
broadcasting, and the output is scattered into with ufunc.at. Plain contractions in the
reading LETTERS go through numpy.einsum too, and torch.einsum where PyTorch is installed.
"""
import json
import re
import sys

import numpy as np

try:
    import torch
except ImportError:
    torch = None

NUMBER = re.compile(r"-?\d+")
FILLS = ("edge", "wrap", "reflect")


class Term:
    """One operand or output: a list of (kind, data, fill)."""

    def __init__(self, text, letters):
        self.text, self.at, self.axes = text, 0, []
        if letters:
            self.axes = [("name", c, None) for c in text if not c.isspace()]
            return
        while self.skip():
            self.axes.append(self.axis())

    def skip(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def peek(self):
        return self.text[self.at] if self.skip() else ""

    def take(self, pattern):
        self.skip()
        found = re.compile(pattern).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found and found.group()

    def axis(self):
        if self.take(r"\.\.\."):
            return ("dots", None, None)
        if self.peek() == "(":
            kind, data = self.bracket()
            fill = None
            if self.take(r"\?"):
                fill = self.take(r"[a-z]+|-?\d+")
            return (kind, data, fill)
        number = self.take(r"\d+")
        if number:
            return ("int", int(number), None)
        return ("name", self.take(r"[a-z]\w*"), None)

    def bracket(self):
        """A group, a sum of products, or parts joined by '^'."""
        start, depth = self.at, 0
        for end in range(start, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[end], 0)
            if depth == 0:
                break
        inside = self.text[start + 1 : end]
        self.at = end + 1
        if "^" in inside:
            return ("join", [part.strip() for part in inside.split("^")])
        if re.search(r"[+*-]", inside):
            return ("affine", self.products(inside))
        return ("group", Term(inside, False).axes)

    @staticmethod
    def products(text):
        found = []
        for sign, product in re.findall(r"([+-]?)\s*([^+-]+)", text):
            found.append((-1 if sign == "-" else 1, [f.strip() for f in product.split("*")]))
        return found


class Case:
    def __init__(self, line):
        self.line = line
        head, *rest = line["text"].split("|")
        left, right = head.split("->")
        letters = line["letters"]
        self.outer, self.inner = "sum", "*"
        if rest:
            words = re.findall(r"[a-z]+|[+*]", rest[0])
            self.outer = words[0]
            self.inner = words[1] if len(words) > 1 else "*"
        self.terms = [Term(t, letters) for t in left.split(",")]
        self.out = Term(right, letters)
        self.operands = [
            np.array(o["values"], dtype=np.float64).reshape(o["shape"]) for o in line["in"]
        ]
        self.size = dict(line["sizes"])
        self.params = {n for n in ("s", "p") if n in self.size}
        self.solve()

    # ---- what names stand for ----

    def dots(self, term, rank):
        return rank - (len(term.axes) - 1)

    def solve(self):
        """Sizes of names that stand alone, and of the ellipsis; the widest one counts."""
        self.ellipsis = []
        for term, operand in zip(self.terms, self.operands):
            at = 0
            for kind, data, _ in term.axes:
                if kind == "dots":
                    n = self.dots(term, operand.ndim)
                    sizes = list(operand.shape[at : at + n])
                    wide = max(len(self.ellipsis), n)
                    mine = [1] * (wide - n) + sizes
                    theirs = [1] * (wide - len(self.ellipsis)) + self.ellipsis
                    self.ellipsis = [b if a == 1 else a for a, b in zip(mine, theirs)]
                    at += n
                    continue
                if kind == "name":
                    known = self.size.get(data, 1)
                    self.size[data] = operand.shape[at] if known == 1 else known
                at += 1

    def item_size(self, item):
        kind, data, _ = item
        if kind == "name":
            return self.size[data]
        if kind == "int":
            return data
        if kind == "group":
            return int(np.prod([self.item_size(i) for i in data], dtype=np.int64))
        if kind == "join":
            return sum(self.size[n] for n in data)
        low = high = 0
        for name, coefficient in self.linear(data).items():
            reach = coefficient * (1 if name is None else self.size[name] - 1)
            low += reach if name is None or coefficient < 0 else 0
            high += reach if name is None or coefficient > 0 else 0
        return max(0, high + 1 + min(low, 0))

    def linear(self, products):
        """{label or None: coefficient}; parameters are their numbers."""
        total = {}
        for sign, factors in products:
            coefficient, label = sign, None
            for f in factors:
                if NUMBER.fullmatch(f):
                    coefficient *= int(f)
                elif f in self.params:
                    coefficient *= self.size[f]
                else:
                    label = f
            total[label] = total.get(label, 0) + coefficient
        return total

    # ---- labels as axes of one large array ----

    def labels_of(self, term, rank, tag):
        """[(label, size)] in which a label is a name, ('dots', i) or ('own', tag, place)."""
        found, place = [], 0

        def visit(item):
            kind, data, _ = item
            nonlocal place
            place += 1
            if kind == "name":
                found.append((data, self.size[data]))
            elif kind == "int":
                found.append((("own", tag, place), data))
            elif kind == "group":
                for i in data:
                    visit(i)
            elif kind == "affine":
                for name in self.linear(data):
                    if name is not None:
                        found.append((name, self.size[name]))
            elif kind == "dots":
                n = self.dots(term, rank)
                for i in range(len(self.ellipsis) - n, len(self.ellipsis)):
                    found.append((("dots", i), self.ellipsis[i]))

        for item in term.axes:
            visit(item)
        return found

    def positions(self, term, rank, tag, grid, join_part=None):
        """One index array for each axis of the term, and its fill."""
        result, place = [], 0

        def visit(item):
            kind, data, _ = item
            nonlocal place
            place += 1
            if kind == "name":
                return grid[data]
            if kind == "int":
                return grid[("own", tag, place)]
            if kind == "group":
                at = 0
                for i in data:
                    at = at * self.item_size(i) + visit(i)
                return at
            if kind == "join":
                before = sum(self.size[n] for n in data[:join_part])
                return before + grid[data[join_part]]
            at = 0
            for name, coefficient in self.linear(data).items():
                at = at + coefficient * (1 if name is None else grid[name])
            return at

        for item in term.axes:
            if item[0] == "dots":
                place += 1
                n = self.dots(term, rank)
                for i in range(len(self.ellipsis) - n, len(self.ellipsis)):
                    result.append((grid[("dots", i)], None, "name"))
            else:
                result.append((visit(item), item[2], item[0]))
        return result

    @staticmethod
    def read(operand, positions):
        """Values, and where they are there at all."""
        index, there, filled = [], True, []
        for axis, (at, fill, kind) in enumerate(positions):
            n = operand.shape[axis]
            at = np.asarray(at)
            if n == 1 and kind == "name":
                at = at * 0
            inside = (at >= 0) & (at < n)
            if fill == "edge":
                at = np.clip(at, 0, n - 1)
            elif fill == "wrap":
                at = at % n
            elif fill == "reflect":
                period = 2 * (n - 1) if n > 1 else 1
                at = at % period
                at = np.where(at >= n, period - at, at)
            elif fill is not None:
                if float(fill) == 0:
                    there = there & inside
                else:
                    filled.append((~inside, float(fill)))
                at = np.where(inside, at, 0)
            else:
                assert inside.all(), "a read leaves its axis"
            index.append(at)
        values = operand[tuple(index)] if index else operand
        for where, value in filled:
            values = np.where(where, value, values)
        return values, there

    def evaluate(self):
        rank_out = len(self.line["shape"])
        start = {"prod": 1, "all": 1, "max": -np.inf, "min": np.inf}.get(self.outer, 0)
        shape = self.output_shape(rank_out)
        out = np.full(int(np.prod(shape, dtype=np.int64)), float(start))
        counts = np.zeros(out.shape)
        join = next((a for a in self.out.axes if a[0] == "join"), None)
        for part in range(len(join[1]) if join else 1):
            self.one_part(out, counts, shape, join, part)
        if self.outer == "mean":
            with np.errstate(all="ignore"):
                out = out / counts
        return out.reshape(shape)

    def output_shape(self, rank):
        shape = []
        for item in self.out.axes:
            shape += self.ellipsis if item[0] == "dots" else [self.item_size(item)]
        return shape

    def one_part(self, out, counts, shape, join, part):
        rank_out = len(shape)
        used, labels = [], {}
        split_part = {}
        for i, term in enumerate(self.terms):
            names = {n for n, _ in self.labels_of(term, self.operands[i].ndim, i)}
            if join and any(n in names for k, n in enumerate(join[1]) if k != part):
                continue
            used.append(i)
            labels.update(self.labels_of(term, self.operands[i].ndim, i))
            for item in term.axes:
                if item[0] == "join":
                    held = {n for n, _ in self.labels_of(self.out, rank_out, "out")}
                    split_part[i] = next(k for k, n in enumerate(item[1]) if n in held)
                    name = item[1][split_part[i]]
                    labels[name] = self.size[name]
        labels.update(self.labels_of(self.out, rank_out, "out"))
        if join:
            labels[join[1][part]] = self.size[join[1][part]]
        if 0 in labels.values():
            return
        grid, n = {}, len(labels)
        for axis, (label, size) in enumerate(labels.items()):
            grid[label] = np.arange(size).reshape([-1 if a == axis else 1 for a in range(n)])
        whole = tuple(labels.values())
        value, present = None, np.ones(whole, dtype=bool)
        for i in used:
            at = self.positions(self.terms[i], self.operands[i].ndim, i, grid, split_part.get(i))
            v, there = self.read(self.operands[i], at)
            present = present & there
            value = self.first(v) if value is None else self.combine(value, v)
        value = np.broadcast_to(1.0 if value is None else value, whole)
        flat, outside = np.zeros(whole, dtype=np.int64), np.zeros(whole, dtype=bool)
        for size, (at, _, _) in zip(shape, self.positions(self.out, rank_out, "out", grid, part)):
            outside = outside | (at < 0) | (at >= size)
            flat = flat * size + at
        np.add.at(counts, flat[~outside], 1)
        chosen = present & ~outside
        self.fold(out, flat[chosen], value[chosen])

    def first(self, v):
        return (v != 0) * 1.0 if self.inner in ("and", "or") else v

    def combine(self, a, b):
        if self.inner in ("and", "or"):
            both = np.logical_and if self.inner == "and" else np.logical_or
            return both(a != 0, b != 0) * 1.0
        return {"*": np.multiply, "+": np.add, "max": np.maximum, "min": np.minimum}[self.inner](a, b)

    def fold(self, out, at, values):
        if self.outer in ("any", "all"):
            values = (values != 0) * 1.0
        ufunc = {"prod": np.multiply, "max": np.maximum, "any": np.maximum, "min": np.minimum,
                 "all": np.minimum}.get(self.outer, np.add)
        ufunc.at(out, at, values)

    # ---- the einsums of others ----

    def plain(self):
        text = self.line["text"]
        right = text.split("->")[-1]
        return self.line["letters"] and "|" not in text and len(set(right)) == len(right)


def check(line, tally):
    case = Case(line)
    want = np.array(line["values"], dtype=np.float64).reshape(line["shape"])
    mine = case.evaluate()
    if line["type"] in ("f32", "f16", "bf16"):
        mine = mine.astype(np.float32).astype(np.float64)
    assert mine.shape == want.shape, f"shape {mine.shape}, einstride {want.shape}"
    assert np.array_equal(mine, want, equal_nan=True), f"NumPy {mine.tolist()}, einstride {want.tolist()}"
    tally["numpy"] += 1
    if case.plain():
        text = line["text"].replace(" ", "")
        assert np.array_equal(np.einsum(text, *case.operands), want), "numpy.einsum differs"
        tally["numpy.einsum"] += 1
        if torch:
            tensors = [torch.from_numpy(o) for o in case.operands]
            assert np.array_equal(torch.einsum(text, *tensors).numpy(), want), "torch.einsum differs"
            tally["torch.einsum"] += 1


def main():
    tally = {"numpy": 0, "numpy.einsum": 0, "torch.einsum": 0}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for text in lines:
            line = json.loads(text)
            try:
                check(line, tally)
            except Exception as error:
                sys.exit(f"'{line['text']}': {error}")
    print(", ".join(f"{n} by {name}" for name, n in tally.items()) + ": the same to the bit")


main()
