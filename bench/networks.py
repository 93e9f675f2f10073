#!/usr/bin/env python3
"""Tensor networks of 10 to 1,000 operands, and how good the orders are that einstride finds.

usage: networks.py PROGRAM [EFFORT]     PROGRAM is einstride-networks from the build folder
       networks.py PROGRAM --efforts    whether more effort ever finds a dearer order

opt_einsum, where it can be imported, finds its own orders beside ('auto' and
'random-greedy-128'); elsewhere greedy.py does, which has the searches that it publishes.
All are counted in multiply-adds of pairwise steps.
"""
import itertools
import math
import random
import subprocess
import sys
import time

import greedy

# A network: for each operand its labels (numbers), the labels of the output, the extents.


def random_regular(n, degree, rng, extents=(2,)):
    """n operands, each sharing a label with `degree` others (pairing model, repaired)."""
    while True:
        ends = [i for i in range(n) for _ in range(degree)]
        rng.shuffle(ends)
        edges = [sorted(ends[i:i + 2]) for i in range(0, len(ends), 2)]
        for _ in range(20 * n):
            seen, bad = set(), None
            for k, edge in enumerate(edges):
                if edge[0] == edge[1] or tuple(edge) in seen:
                    bad = k
                    break
                seen.add(tuple(edge))
            if bad is None:
                return from_edges(n, edges, rng, extents)
            other = rng.randrange(len(edges))
            (a, b), (c, d) = edges[bad], edges[other]
            edges[bad], edges[other] = sorted((a, d)), sorted((c, b))


def from_edges(n, edges, rng, extents):
    operands = [[] for _ in range(n)]
    for label, (a, b) in enumerate(edges):
        operands[a].append(label)
        operands[b].append(label)
    return operands, [], [rng.choice(extents) for _ in edges]


def lattice(sides, rng, extents=(2,), periodic=False):
    points = list(itertools.product(*map(range, sides)))
    index = {p: i for i, p in enumerate(points)}
    edges = []
    for p in points:
        for axis, side in enumerate(sides):
            q = list(p)
            q[axis] += 1
            if periodic:
                q[axis] %= side
            if tuple(q) in index:
                edges.append((index[p], index[tuple(q)]))
    return from_edges(len(points), edges, rng, extents)


def matrix_product_states(sites, bond=16, physical=2):
    """The inner product of two of them."""
    extents, rows = [], [[[] for _ in range(sites)] for _ in range(2)]
    for site in range(sites):
        for row in rows:
            row[site].append(len(extents))
        extents.append(physical)
        for row in rows if site + 1 < sites else []:
            row[site].append(len(extents))
            row[site + 1].append(len(extents))
            extents.append(bond)
    return rows[0] + rows[1], [], extents


def circuit(qubits, depth, pairs_of_layer):
    """An amplitude of layers of gates on two qubits each."""
    operands = [[i] for i in range(qubits)]
    now, labels = list(range(qubits)), qubits
    for layer in range(depth):
        for a, b in pairs_of_layer(layer):
            operands.append([now[a], now[b], labels, labels + 1])
            now[a], now[b] = labels, labels + 1
            labels += 2
    return operands + [[label] for label in now], [], [2] * labels


def line_circuit(qubits, depth):
    return circuit(qubits, depth, lambda d: [(i, i + 1) for i in range(d % 2, qubits - 1, 2)])


def square_circuit(side, depth):
    def pairs(layer):
        start, along = layer % 2, layer // 2 % 2
        steps = [(x, y) for x in range(start, side - 1, 2) for y in range(side)]
        if along:
            return [(y * side + x, y * side + x + 1) for x, y in steps]
        return [(x * side + y, (x + 1) * side + y) for x, y in steps]
    return circuit(side * side, depth, pairs)


def tree_model(variables, rng):
    """A tree of random variables: one factor a variable, one an edge; the marginal of one."""
    operands = [[i] for i in range(variables)]
    operands += [[rng.randrange(i), i] for i in range(1, variables)]
    return operands, [0], [rng.randint(2, 10) for _ in range(variables)]


def grid_model(width, height, rng):
    at = lambda x, y: y * width + x
    operands = [[i] for i in range(width * height)]
    operands += [[at(x, y), at(x + 1, y)] for y in range(height) for x in range(width - 1)]
    operands += [[at(x, y), at(x, y + 1)] for y in range(height - 1) for x in range(width)]
    return operands, [0], [rng.randint(2, 4) for _ in range(width * height)]


def gaussian_chain(steps):
    """States and observations of a linear Gaussian model, a batch label on half of them."""
    operands, extents, last = [], [8], None
    for _ in range(steps):
        state, seen = len(extents), len(extents) + 1
        extents += [12, 4]
        operands.append([state] if last is None else [0, last, state])
        operands += [[state, seen], [0, seen]]
        last = state
    return operands, [0], extents


def random_expression(n, degree, rng, open_labels, extents):
    operands, labels = [[] for _ in range(n)], n * degree // 2 + open_labels
    for label in range(labels):
        if label < open_labels:
            operands[rng.randrange(n)].append(label)
            continue
        a = label - open_labels + 1
        pair = (a, rng.randrange(a)) if a < n else rng.sample(range(n), 2)
        for i in pair:
            operands[i].append(label)
    return operands, list(range(open_labels)), [rng.randint(*extents) for _ in range(labels)]


def chain(n, rng):
    return [[i, i + 1] for i in range(n)], [0, n], [rng.randint(2, 60) for _ in range(n + 1)]


def networks(seed=0):
    rng = random.Random(seed)
    for n in (10, 16, 30, 50, 100, 300, 1000):
        yield f"regular3_{n}", random_regular(n, 3, rng)
    for n in (12, 20, 40):
        yield f"regular5_{n}", random_regular(n, 5, rng, (2, 3))
    for sides in ((4, 4), (6, 6), (8, 8), (30, 33), (3, 3, 3), (4, 4, 4)):
        yield "lattice_" + "x".join(map(str, sides)), lattice(sides, rng)
    yield "lattice_5x20", lattice((5, 20), rng, (2, 3, 4))
    yield "torus_6x6", lattice((6, 6), rng, periodic=True)
    for sites in (10, 50, 500):
        yield f"states_{sites}", matrix_product_states(sites)
    yield "circuit_10_8", line_circuit(10, 8)
    yield "circuit_20_12", line_circuit(20, 12)
    yield "circuit_4x4_8", square_circuit(4, 8)
    yield "circuit_5x5_12", square_circuit(5, 12)
    for n in (30, 300):
        yield f"tree_{n}", tree_model(n, rng)
    for width, height in ((5, 5), (8, 10)):
        yield f"grid_{width}x{height}", grid_model(width, height, rng)
    yield "gaussian_20", gaussian_chain(20)
    for n in (10, 15, 20, 40, 80):
        yield f"random3_{n}", random_expression(n, 3, rng, 2, (2, 9))
    for n in (12, 25):
        yield f"random5_{n}", random_expression(n, 5, rng, 3, (2, 5))
    for n in (12, 100, 1000):
        yield f"chain_{n}", chain(n, rng)


def as_line(name, network):
    operands, out, extents = network
    term = lambda labels: " ".join(f"x{label}" for label in labels)
    text = ", ".join(map(term, operands)) + " -> " + term(out)
    shapes = ",".join("x".join(str(extents[l]) for l in o) or "scalar" for o in operands)
    return f"{name} {text} | {shapes}\n"


def published(network):
    """{rival: (multiply-adds, seconds)} of the searches in greedy.py. Of many operands 8 random ones have to do; their
    time is counted 16 times."""
    rounds = 128 if len(network[0]) <= 150 else 8
    searches = {"auto": (greedy.auto, 1),
                "random-greedy-128": (lambda net: greedy.random_greedy(net, rounds), 128 / rounds)}
    found = {}
    for rival, (search, times) in searches.items():
        start = time.process_time()
        adds = search(network)
        found[rival] = (adds, (time.process_time() - start) * times)
    return found


def peers(network):
    """{rival: (multiply-adds, seconds)}"""
    try:
        import opt_einsum
    except ImportError:
        return published(network)
    operands, out, extents = network
    inputs, output = [frozenset(o) for o in operands], frozenset(out)
    found = {}
    for rival in ("auto", "random-greedy-128"):
        start = time.process_time()
        path = opt_einsum.paths.get_path_fn(rival)(inputs, output, dict(enumerate(extents)), None)
        found[rival] = (count(network, path), time.process_time() - start)
    return found


def count(network, path):
    """Multiply-adds of a path in opt_einsum's way of writing: positions, results last."""
    operands, out, extents = network
    values, total = [frozenset(o) for o in operands], 0
    for pair in path:
        taken = [values[i] for i in pair]
        values = [v for i, v in enumerate(values) if i not in pair]
        union = frozenset().union(*taken)
        total += math.prod(extents[label] for label in union) * max(1, len(pair) - 1)
        values.append(union & frozenset(out).union(*values))
    return float(total)


def run(program, made, effort, limit=0):
    """{name: (operands, multiply-adds, bytes, seconds)}, infinite where nothing fits into the limit; 0: this machine."""
    lines = "".join(as_line(name, network) for name, network in made.items())
    ran = subprocess.run([program, str(effort), str(limit)], input=lines, capture_output=True, text=True, check=True)
    sys.stderr.write(ran.stderr)
    rows = [line.split() for line in ran.stdout.splitlines()]
    return {name: (int(n), *map(float, rest)) for name, n, *rest in rows}


def compare(program, made, effort):
    ratios, times, slowest = {}, {}, []
    for name, (n, adds, _, seconds) in run(program, made, effort).items():
        slowest.append(seconds * 1e3)
        row = f"{name:16} {n:>5} operands {adds:10.4g} multiply-adds {seconds * 1e3:8.2f} ms"
        for rival, (theirs, took) in peers(made[name]).items() if math.isfinite(adds) else []:
            ratios.setdefault(rival, []).append(math.log(adds / theirs))
            times.setdefault(rival, []).append(math.log(seconds / took))
            row += f"   {rival} {theirs:10.4g} ({adds / theirs:.3f}) {took * 1e3:9.1f} ms"
            row += "  LOSS" if adds > theirs else ""
        print(row, flush=True)
    print(f"{max(slowest):.1f} ms at most, to parse and plan or to refuse")
    for rival, logs in ratios.items():
        mean = lambda values: math.exp(sum(values) / len(values))
        print(f"geometric mean against {rival}: {mean(logs):.3f} of the multiply-adds in "
              f"{mean(times[rival]):.4f} of the time")


def compare_efforts(program, made):
    """What the search minimises, multiply-adds and bytes, must never rise with effort. False: it did. Within a limit that no
    machine decides: a plan whose workspace does not fit after all is made again for less, and that may end better."""
    best, sound = {}, True
    for effort in (0.001, 0.02, 0.1, 0.3, 1, 1.5, 3, 8, 20):
        for name, (_, adds, touched, _) in run(program, made, effort, 10**12).items():
            before = best.setdefault(name, (adds + touched, effort))
            if adds + touched > before[0] * (1 + 1e-9):  # also where less effort found one that fits
                sound = False
                print(f"{name}: {adds + touched:.6g} at effort {effort}, {before[0]:.6g} at {before[1]}")
            best[name] = (adds + touched, effort)
    print(f"{len(best)} networks: {'more effort never finds a dearer order' if sound else 'NOT MONOTONE'}")
    return sound


def main():
    program, made = sys.argv[1], dict(networks())
    if sys.argv[2:] == ["--efforts"]:
        return 0 if compare_efforts(program, made) else 1
    compare(program, made, sys.argv[2] if len(sys.argv) > 2 else "1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
