"""Draws the pictures of docs/benchmarks from results.json and sweep.json there.

    python3 bench/plots.py docs/benchmarks
"""

import json
import math
import os
import sys

from svg import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, Canvas, Frame

MARKS = {
    "matmul": ("circle", BLUE), "contract": ("square", VERMILION), "conv": ("up", GREEN),
    "depthwise": ("down", ORANGE), "gradient": ("diamond", PURPLE), "attention": ("cross", SKY),
    "types": ("flat", INK), "reduce": ("tall", GREY), "map": ("flat", GREY),
}  # fmt: skip
RIVALS = {"einstride": (BLUE, 2.2, None), "OpenBLAS": (VERMILION, 1.5, None), "BLIS": (GREEN, 1.5, "5 3")}


def machine_line(machine):
    return (f"{machine['processor']}, {machine['processors']} cores; einstride {machine['einstride']}; "
            f"{machine['date']}")  # fmt: skip


def caption(canvas, data, command):
    canvas.text(14, canvas.height - 22, command, 10, GREY)
    canvas.text(14, canvas.height - 8, machine_line(data["machine"]), 10, GREY)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


# ---- roofline ------------------------------------------------------------------------


def roofline_panel(canvas, box, data, limits, first):
    threads, peak = limits["threads"], limits["fma_gflops"]
    frame = Frame(canvas, box, (0.08, 3000, True), (0.3, 1200, True), "operations per byte of operands and result",
                  "GFLOP/s" if first else "", ((1,), (1, 3)))  # fmt: skip
    title = f"{threads} thread{'s' if threads > 1 else ''}"
    canvas.text((box[0] + box[2]) / 2, box[1] - 10, title, 13, INK, "middle", bold=True)
    for level, copy in zip(("L1", "L2", "L3", "memory"), limits["copies"]):
        rate, ridge = copy["gbs"], peak / copy["gbs"]
        start = max(0.08, 0.3 / rate)
        frame.curve([(start, start * rate), (ridge, peak)], GREY, 1.1, "5 3" if level != "memory" else None)
        at = max(0.1, start * 1.1)
        slope = -math.degrees(math.atan2(frame.y.at(1) - frame.y.at(10), frame.x.at(10) - frame.x.at(1)))
        canvas.text(frame.x.at(at) + 2, frame.y.at(at * rate) - 7, f"{level} {rate:.0f} GB/s", 10, GREY, turn=slope)
    frame.curve([(peak / limits["copies"][0]["gbs"], peak), (3000, peak)], INK, 1.3)
    canvas.text(box[2] - 4, frame.y.at(peak) - 6, f"f32 multiply-add {peak:.0f} GFLOP/s", 10, INK, "end")
    for row in data["rows"]:
        known = row["threads"] == threads and row["flops"] and row["suite"] in MARKS
        if known and row["unit"] in ("GFLOP/s", "GB/s"):
            shape, colour = MARKS[row["suite"]]
            canvas.mark(shape, frame.x.at(row["flops"] / row["bytes"]),
                        frame.y.at(row["flops"] / row["seconds"] * 1e-9), colour)  # fmt: skip


def roofline(data, folder, command):
    limits = data["machine"]["limits"]
    panel, gap, left, top, height = 440, 34, 66, 84, 400
    width = left + len(limits) * panel + (len(limits) - 1) * gap + 20
    canvas = Canvas(width, top + height + 92)
    canvas.text(14, 24, "Every case under the roofs of the machine", 16, INK, bold=True)
    x = left
    for name in (n for n in MARKS if any(r["suite"] == n and r["flops"] for r in data["rows"])):
        canvas.mark(MARKS[name][0], x + 4, 44, MARKS[name][1], 4.2)
        canvas.text(x + 13, 48, name, 12)
        x += 30 + 6.6 * len(name)
    for i, one in enumerate(limits):
        start = left + i * (panel + gap)
        roofline_panel(canvas, (start, top, start + panel, top + height), data, one, i == 0)
    caption(canvas, data, command)
    canvas.save(os.path.join(folder, "roofline.svg"))


# ---- curves over n --------------------------------------------------------------------


def curves(sweep, folder, name, title, low, high, command):
    rows = [r for r in sweep["rows"] if low <= int(r["name"][2:]) <= high]
    if not rows:
        return
    limit = max(r["limit"] for r in rows)
    canvas = Canvas(860, 470)
    canvas.text(14, 24, title, 16, INK, bold=True)
    frame = Frame(canvas, (66, 64, 840, 370), (low, high, False), (0, limit * 1.08, False), "n", "GFLOP/s")
    canvas.line(66, frame.y.at(limit), 840, frame.y.at(limit), INK, 1.2, "2 3")
    canvas.text(836, frame.y.at(limit) - 5, f"multiply-add peak {limit:.0f}", 10, INK, "end")
    x = 80
    for rival, (colour, width, dash) in reversed(RIVALS.items()):
        points = []
        for r in rows:
            value = r["value"] if rival == "einstride" else r["peers"].get(rival)
            if value:
                points.append((int(r["name"][2:]), value))
        if points:
            frame.curve(points, colour, width, dash)
            for n, value in points if len(points) < 100 else ():
                canvas.mark("circle", frame.x.at(n), frame.y.at(value), colour, 1.8)
    for rival, (colour, width, dash) in RIVALS.items():
        canvas.line(x, 46, x + 28, 46, colour, width + 0.6, dash)
        canvas.text(x + 34, 50, rival, 12)
        x += 60 + 8 * len(rival)
    caption(canvas, sweep, command)
    canvas.save(os.path.join(folder, name))


# ---- ratios ------------------------------------------------------------------------------


def ratio_axis(rows):
    values = [r["ratio"] for r in rows]
    return min(0.25, *values) * 0.9, max(4.0, *values) * 1.15


def one_to_one(frame, top, bottom):
    frame.canvas.line(frame.x.at(1), top, frame.x.at(1), bottom, INK, 1.3)


def ratio_ticks(low, high):
    return (1, 2, 5) if high / low < 300 else (1,)


def overview(data, suites, folder, command):
    rows = [r for r in data["rows"] if r["ratio"]]
    threads = sorted({r["threads"] for r in rows})
    low, high = ratio_axis(rows)
    step, top, left = 46, 66, 108
    bottom = top + step * len(suites)
    canvas = Canvas(860, bottom + 92)
    canvas.text(14, 24, "Speed against the fastest rival of each case", 16, INK, bold=True)
    canvas.text(14, 44, "bar: geometric mean of a suite; dot: one case; right of 1, einstride is faster", 12, GREY)
    frame = Frame(canvas, (left, top, 760, bottom), (low, high, True), None, "time of the fastest rival / time of einstride", "", (ratio_ticks(low, high), ()))  # fmt: skip
    for i, suite in enumerate(suites):
        y = top + step * i + 5
        canvas.text(left - 10, y + 22, suite, 12, INK, "end")
        for k, t in enumerate(threads):
            ratios = [r["ratio"] for r in rows if r["suite"] == suite and r["threads"] == t]
            if not ratios:
                continue
            colour, mean, at = (BLUE, ORANGE)[k % 2], geometric_mean(ratios), y + 18 * k
            a, b = sorted((frame.x.at(1), frame.x.at(mean)))
            canvas.rect(a, at, b - a, 16, colour, 0.45)
            for value in ratios:
                canvas.mark("circle", frame.x.at(value), at + 8, colour, 2.2)
            canvas.text(770, at + 12, f"{mean:.2f}  ({t}T, {len(ratios)})", 11, INK)
    one_to_one(frame, top, bottom)
    caption(canvas, data, command)
    canvas.save(os.path.join(folder, "ratios.svg"))


def suite_bars(data, suite, folder, command):
    rows = [r for r in data["rows"] if r["suite"] == suite and r["ratio"]]
    if not rows:
        return
    names = list(dict.fromkeys(r["name"] for r in rows))
    threads = sorted({r["threads"] for r in rows})
    low, high = ratio_axis(rows)
    bar, top, left = 8, 82, 220
    step = bar * len(threads) + 5
    bottom = top + step * len(names)
    canvas = Canvas(860, bottom + 92)
    canvas.text(14, 24, f"{suite}: speed against the fastest rival of each case", 16, INK, bold=True)
    for k, t in enumerate(threads):
        canvas.rect(14 + 110 * k, 38, 22, 10, (BLUE, ORANGE)[k % 2])
        canvas.text(42 + 110 * k, 48, f"{t} thread{'s' if t > 1 else ''}", 12)
    canvas.line(250, 38, 250, 49, VERMILION, 2)
    canvas.text(257, 48, "goal", 12)
    canvas.text(728, top - 8, f"with {threads[0]} thread{'s' if threads[0] > 1 else ''}", 10, GREY)
    frame = Frame(canvas, (left, top, 720, bottom), (low, high, True), None,
                  "time of the fastest rival / time of einstride", "", (ratio_ticks(low, high), ()))  # fmt: skip
    for i, name in enumerate(names):
        y = top + step * i + 2
        canvas.text(left - 8, y + step / 2 + 1, name, 10, INK, "end")
        for k, t in enumerate(threads):
            for r in (r for r in rows if r["name"] == name and r["threads"] == t):
                at = y + bar * k
                a, b = sorted((frame.x.at(1), frame.x.at(r["ratio"])))
                canvas.rect(a, at, b - a, bar - 1, (BLUE, ORANGE)[k % 2])
                if r["goal"]:
                    canvas.line(frame.x.at(r["goal"]), at - 0.5, frame.x.at(r["goal"]), at + bar - 0.5, VERMILION, 1.6)
                if k == 0:
                    canvas.text(728, y + step / 2 + 1, f"{r['ratio']:.2f}  {r['peer']}", 10, INK)
    one_to_one(frame, top, bottom)
    caption(canvas, data, command)
    canvas.save(os.path.join(folder, f"ratios-{suite}.svg"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(folder):
    data = read(os.path.join(folder, "results.json"))
    command = "./dev bench --peers --publish" + (" --quick" if data["quick"] else "")
    suites = list(dict.fromkeys(r["suite"] for r in data["rows"]))
    roofline(data, folder, command)
    overview(data, suites, folder, command)
    for suite in suites:
        suite_bars(data, suite, folder, command)
    if os.path.exists(os.path.join(folder, "sweep.json")):
        sweep = read(os.path.join(folder, "sweep.json"))
        curves(sweep, folder, "sizes.svg", "n × n × n in f32, every n up to 200, 1 thread", 1, 200, command)
        curves(sweep, folder, "cliff.svg",
               "n × n × n in f32: multiples of 32 to 128 and their neighbours, 1 thread", 200, 2049, command)  # fmt: skip


main(sys.argv[1])
