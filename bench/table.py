"""Writes the tables of the runs in docs/benchmarks and its folders, one a machine: summaries into
docs/PERFORMANCE.md, between its two marks, and every row into the README.md beside the figures.

    python3 bench/table.py docs
"""

import glob
import json
import math
import os
import sys

BEGIN, END = "<!-- figures: written by bench/table.py -->", "<!-- end of figures -->"


def number(value, digits=3):
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 1000 else f"{value:.{digits}g}"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def percent(share):
    return "–" if share is None else f"{100 * share:.0f} %"


def limits(machine):
    lines = ["| | f32 multiply-add | copy in L1 | in L2 | in L3 | in memory |", "|---|---|---|---|---|---|"]
    for one in machine["limits"]:
        copies = " | ".join(f"{c['gbs']:.0f} GB/s" for c in one["copies"])
        lines.append(f"| {one['threads']} thread{'s' if one['threads'] > 1 else ''} | {one['fma_gflops']:.0f} GFLOP/s | {copies} |")
    return lines


def summary(rows, folder):
    threads = sorted({r["threads"] for r in rows})
    lines = ["| suite | cases | " + " | ".join(f"ratio {t}T | share {t}T | behind {t}T" for t in threads) + " |",
             "|---|---|" + "---|---|---|" * len(threads)]  # fmt: skip
    for suite in dict.fromkeys(r["suite"] for r in rows):
        cells = [f"[{suite}]({folder}/ratios-{suite}.svg)", str(len({r["name"] for r in rows if r["suite"] == suite}))]
        for t in threads:
            of = [r for r in rows if r["suite"] == suite and r["threads"] == t]
            ratios = [r["ratio"] for r in of if r["ratio"]]
            shares = [r["share_of_limit"] for r in of if r["share_of_limit"]]
            cells += [number(geometric_mean(ratios)), percent(geometric_mean(shares)), str(sum(x < 1 for x in ratios))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def details(rows):
    lines = []
    for suite in dict.fromkeys(r["suite"] for r in rows):
        lines += ["", f"## {suite}", "", f"![ratios](ratios-{suite}.svg)", "",
                  "| case | T | best | median | unit | limit | share | fastest rival | its best | ratio | goal | |",
                  "|---|---|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
        for r in rows:
            if r["suite"] == suite:
                word = "WRONG" if r["wrong"] else "ok" if r["ok"] else "**loss**"
                lines.append(
                    f"| {r['name']} | {r['threads']} | {number(r['value'])} | {number(r['median'])} | {r['unit']} | "
                    f"{number(r['limit'])} | {percent(r['share_of_limit'])} | {r['peer'] or '–'} | "
                    f"{number(r['peer_value'])} | {number(r['ratio'])} | {number(r['goal'])} | {word} |"
                )
    return lines


def worst(rows, count=12):
    lines = ["| case | T | ratio | fastest rival | share of the limit |", "|---|---|---|---|---|"]
    for r in sorted((r for r in rows if r["ratio"]), key=lambda r: r["ratio"])[:count]:
        lines.append(f"| {r['name']} | {r['threads']} | {number(r['ratio'])} | {r['peer']} | {percent(r['share_of_limit'])} |")
    return lines


LEGEND = ("Ratio: time of the fastest rival over ours, geometric mean. Share: of the machine's limit. "
          "Behind: cases in which a rival is faster.")  # fmt: skip


def write_machine(docs, folder):
    """Writes every row of a machine's run, and returns its summary."""
    with open(os.path.join(docs, folder, "results.json"), encoding="utf-8") as file:
        data = json.load(file)
    machine, rows, name = data["machine"], data["rows"], folder.partition("/")[2]
    said = (f"{machine['processor']}, {machine['processors']} cores, {machine['date']}, einstride {machine['einstride']}; "
            f"`./dev bench --peers --publish{'=' + name if name else ''}{' --quick' if data['quick'] else ''}`.")  # fmt: skip
    with open(os.path.join(docs, folder, "README.md"), "w", encoding="utf-8") as file:
        file.write("# Every case of the benchmark\n\n" + said + "\n" + "\n".join(details(rows)) + "\n")
    return [f"**{machine['processor']}**: {said.partition(', ')[2]} [Every row]({folder}/README.md).", "", *limits(machine), "",
            *summary(rows, folder), "", "The furthest behind:", "", *worst(rows), ""]  # fmt: skip


def main(docs):
    found = glob.glob(os.path.join(docs, "benchmarks", "**", "results.json"), recursive=True)
    folders = sorted(os.path.relpath(os.path.dirname(path), docs) for path in found)
    parts = [BEGIN, "", LEGEND, ""] + [line for folder in folders for line in write_machine(docs, folder)] + [END]
    path = os.path.join(docs, "PERFORMANCE.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + "\n".join(parts) + after)


main(sys.argv[1])
