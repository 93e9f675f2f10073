"""NumPy and PyTorch beside the driver: one process a library and thread count.

Reads a line, answers a line. `case NAME | SHAPES | EXPRESSION` makes operands a, b, c, …
(the same small integers as the driver's) and answers `ok ELEMENTS` or `no REASON`;
`run N` answers the seconds of N runs; `sum` answers the checksum of the result.
"""

import sys
import time


def fill(np, n, seed):
    i = np.arange(n, dtype=np.uint32) + np.uint32(seed * 7919)
    h = i * np.uint32(2654435761)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    return ((h >> np.uint32(20)) & np.uint32(7)).astype(np.float32) - np.float32(3)


def checksum(np, y):
    y = np.ascontiguousarray(y, dtype=np.float32).reshape(-1).astype(np.float64)
    total, step = 0.0, 1 << 20
    for at in range(0, y.size, step):
        part = y[at : at + step]
        total += float(np.dot(part, (np.arange(at, at + part.size) % 31 - 15).astype(np.float64)))
    return total


def main(library, threads):
    import numpy as np

    names = {"np": np}
    if library == "torch":
        import torch
        import torch.nn.functional as F

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        names.update(torch=torch, F=F)
    print("ready", flush=True)
    result = None
    for line in sys.stdin:
        words = line.rstrip("\n").split(" ", 1)
        try:
            if words[0] == "case":
                _, shapes, code = (part.strip() for part in words[1].split(" | ", 2))
                for i, text in enumerate(shapes.split(",")):
                    shape = [int(e) for e in text.split("x")] if text.strip() != "scalar" else []
                    x = fill(np, int(np.prod(shape, dtype=np.int64)), i + 1).reshape(shape)
                    names["abcdefgh"[i]] = torch.from_numpy(x) if library == "torch" else x
                function = eval("lambda: " + code, names)
                result = function()
                size = result.numel() if library == "torch" else result.size
                print("ok", size, flush=True)
            elif words[0] == "run":
                times = int(words[1])
                start = time.perf_counter()
                for _ in range(times):
                    result = function()
                print(time.perf_counter() - start, flush=True)
            elif words[0] == "sum":
                value = result.contiguous().numpy() if library == "torch" else result
                print(repr(checksum(np, value)), flush=True)
                result = None
        except Exception as error:  # the driver shows it and goes on without this rival
            print("no", str(error).split("\n")[0], flush=True)


main(sys.argv[1], int(sys.argv[2]))
