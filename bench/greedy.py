"""The searches for an order of contraction that opt_einsum publishes (Smith and Gray, opt_einsum, JOSS 3(26), 753, 2018),
written anew: what its 'auto' does, by the number of operands, and its 'random-greedy'. For machines without opt_einsum."""
import heapq
import itertools
import math
import random


def size(labels, extents):
    return math.prod(extents[label] for label in labels)


def multiply_adds(network, path):
    """Of a path in numbers of values: operands first, then the results of its steps."""
    operands, out, extents = network
    values = [frozenset(o) for o in operands]
    held = {}
    for labels in values + [frozenset(out)]:
        for label in labels:
            held[label] = held.get(label, 0) + 1
    total = 0
    for pair in path:
        union = frozenset().union(*(values[i] for i in pair))
        total += size(union, extents)
        for i in pair:
            for label in values[i]:
                held[label] -= 1
        kept = frozenset(label for label in union if held[label] > 0)
        for label in kept:
            held[label] += 1
        values.append(kept)
    return float(total)


class Greedy:
    """Merges the pair whose result is least larger than the two that it replaces. With a rng, one of the eight best
    of them, drawn by Boltzmann's factors."""

    def __init__(self, network, rng=None):
        operands, out, self.extents = network
        terms = [frozenset(o) for o in operands]
        self.out = frozenset(out) | frozenset.intersection(*terms)
        self.rng = rng
        self.path = []
        self.number = itertools.count(len(terms))
        self.order = itertools.count()
        self.alive = {}
        for i, term in enumerate(terms):  # equal terms at once
            if term in self.alive:
                self.path.append((self.alive[term], i))
                self.alive[term] = next(self.number)
            else:
                self.alive[term] = i
        self.holders = {}
        for term in self.alive:
            for label in term - self.out:
                self.holders.setdefault(label, set()).add(term)
        self.shared = {count: {label for label, terms in self.holders.items() if len(terms) >= count}
                       for count in (2, 3)}
        self.elements = {term: size(term, self.extents) for term in self.alive}
        self.queue = []

    def candidate(self, a, b):
        both, either = a & b, a | b
        result = (either & self.out) | (both & self.shared[3]) | ((either - both) & self.shared[2])
        cost = size(result, self.extents) - self.elements[a] - self.elements[b]
        if self.rng:
            cost *= self.rng.gauss(1, 0.01)
        if self.alive[a] > self.alive[b]:
            a, b = b, a
        return (cost, (self.alive[b], self.alive[a])), a, b, result

    def offer(self, a, others):
        found = [self.candidate(a, b) for b in others]
        for one in found if self.rng else [min(found, key=lambda c: c[0])]:
            heapq.heappush(self.queue, (one[0], next(self.order), one))

    def choose(self):
        """The next pair that is still there, or None."""
        drawn = []
        while self.queue and len(drawn) < (8 if self.rng else 1):
            entry = heapq.heappop(self.queue)
            if entry[2][1] in self.alive and entry[2][2] in self.alive:
                drawn.append(entry)
        if not drawn:
            return None
        at = 0
        if len(drawn) > 1:
            least = drawn[0][0][0]
            heat = max(1, abs(least))
            weights = [math.exp((least - entry[0][0]) / heat) for entry in drawn]
            at = self.rng.choices(range(len(drawn)), weights)[0]
        for k, entry in enumerate(drawn):
            if k != at:
                heapq.heappush(self.queue, entry)
        return drawn[at][2]

    def merge(self, a, b, result):
        self.path.append((self.alive.pop(a), self.alive.pop(b)))
        for term in (a, b):
            for label in term - self.out:
                self.holders[label].remove(term)
        if result in self.alive:
            self.path.append((self.alive[result], next(self.number)))
        else:
            for label in result - self.out:
                self.holders[label].add(result)
        self.alive[result] = next(self.number)
        for label in (a | b) - self.out:
            for count in (2, 3):
                if len(self.holders[label]) >= count:
                    self.shared[count].add(label)
                else:
                    self.shared[count].discard(label)
        self.elements[result] = size(result, self.extents)
        others = {term for label in result - self.out for term in self.holders[label]} - {result}
        if others:
            self.offer(result, others)

    def outer_products(self):
        left = [(size(term & self.out, self.extents), i, term) for term, i in self.alive.items()]
        heapq.heapify(left)
        _, first, term = heapq.heappop(left)
        while left:
            _, second, other = heapq.heappop(left)
            self.path.append((min(first, second), max(first, second)))
            term = (term | other) & self.out
            _, first, term = heapq.heappushpop(left, (size(term, self.extents), next(self.number), term))

    def run(self):
        for label, terms in self.holders.items():
            terms = sorted(terms, key=self.alive.__getitem__)
            for i, a in enumerate(terms[:-1]):
                self.offer(a, terms[i + 1:])
        while pair := self.choose():
            self.merge(*pair[1:])
        self.outer_products()
        return self.path


class Branch:
    """Tries the pairs that remove most memory, the best few of each level, and keeps the path with the fewest
    multiply-adds; what costs more than four times what another did with as few values is left."""

    def __init__(self, network, few=None):
        operands, out, self.extents = network
        self.out, self.few = frozenset(out), few
        self.total, self.path = math.inf, None
        self.progress = {}
        terms = tuple(frozenset(o) for o in operands)
        self.iterate((), terms, frozenset(range(len(terms))), 0)

    def candidates(self, terms, left, total, outer):
        for i, j in itertools.combinations(sorted(left), 2):
            a, b = terms[i], terms[j]
            if not outer and a.isdisjoint(b):
                continue
            result = (a | b) & self.out.union(*(terms[k] for k in left - {i, j}))
            adds = total + size(a | b, self.extents) * (2 if a | b != result else 1)
            if adds >= self.total:
                continue
            least = self.progress.setdefault(len(terms), adds)
            self.progress[len(terms)] = min(least, adds)
            if adds > 4 * least:
                continue
            cost = size(result, self.extents) - size(a, self.extents) - size(b, self.extents)
            yield cost, adds, (i, j), result

    def iterate(self, path, terms, left, total):
        if len(left) == 1:
            self.total, self.path = total, path
            return
        found = sorted(self.candidates(terms, left, total, False), key=lambda c: c[:3])
        found = found or sorted(self.candidates(terms, left, total, True), key=lambda c: c[:3])
        for _, adds, pair, result in found[:self.few]:
            self.iterate(path + (pair,), terms + (result,), left - set(pair) | {len(terms)}, adds)


def optimal(network):
    """The fewest multiply-adds of all paths, for four operands at most."""
    def fewest(left, path):
        if len(left) == 1:
            return multiply_adds(network, path)
        value = len(network[0]) + len(path)
        return min(fewest(left - {i, j} | {value}, path + ((i, j),)) for i, j in itertools.combinations(left, 2))
    return fewest(frozenset(range(len(network[0]))), ())


def auto(network):
    """Multiply-adds of what 'auto' finds."""
    n = len(network[0])
    if n <= 4:
        return optimal(network)
    if n <= 14:
        return multiply_adds(network, Branch(network, None if n <= 6 else 2 if n <= 8 else 1).path)
    return multiply_adds(network, Greedy(network).run())


def random_greedy(network, rounds, seed=1):
    """Multiply-adds of the best of so many, the first of which is the plain search."""
    rng = random.Random(seed)
    draws = [None] + [rng] * (rounds - 1)
    return min(multiply_adds(network, Greedy(network, draw).run()) for draw in draws)
