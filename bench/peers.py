"""NumPy, PyTorch and einops beside the driver: one process a library and thread count.

Reads a line, answers a line. `case FILE | TYPExSHAPE,… | TYPE | EXPRESSION` takes operands
a, b, c, … from the file and answers `ok ELEMENTS SECONDS` of one run, or `no REASON`;
`run N` answers the seconds of N runs; `save FILE` writes the result in C order as TYPE and
answers its bytes.
"""

import sys
import time

NUMPY_NAME = {
    "u8": "uint8", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "bf16": "int16", "f32": "float32", "f64": "float64", "c64": "complex64", "c128": "complex128",
}  # fmt: skip


def load(np, torch, path, specs):
    """The operands, in order. bf16 has no name in NumPy and is carried as int16."""
    offset, operands = 0, []
    for spec in specs.split(","):
        kind, *extents = spec.strip().split("x")
        shape = [int(e) for e in extents]
        count = int(np.prod(shape, dtype=np.int64))
        x = np.fromfile(path, dtype=NUMPY_NAME[kind], count=count, offset=offset)
        offset += x.nbytes
        x = x.reshape(shape)
        if torch:
            x = torch.from_numpy(x)
            if kind == "bf16":
                x = x.view(torch.bfloat16)
        operands.append(x)
    return operands


def save(np, torch, path, result, kind):
    if torch and isinstance(result, torch.Tensor):
        result = result.contiguous()
        if kind == "bf16":
            result = result.to(torch.bfloat16).view(torch.int16)
        result = result.numpy()
    result = np.ascontiguousarray(result, dtype=NUMPY_NAME[kind])
    with open(path, "r+b") as file:  # in place: the pages are there
        result.tofile(file)
    return result.nbytes


def main(library, threads):
    import numpy as np

    names, torch = {"np": np}, None
    if library == "torch":
        import torch
        import torch.nn.functional as F

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        names.update(torch=torch, F=F)
    elif library == "einops":
        import einops

        names.update(einops=einops)
    print("ready", flush=True)
    result, kind = None, "f32"
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        try:
            if command == "case":
                path, specs, kind, code = (part.strip() for part in rest.split(" | ", 3))
                for name, x in zip("abcdefgh", load(np, torch, path, specs)):
                    names[name] = x
                function = eval("lambda: " + code, names)
                start = time.perf_counter()
                result = function()
                seconds = time.perf_counter() - start
                size = result.numel() if torch else np.size(result)
                print("ok", size, seconds, flush=True)
            elif command == "run":
                times = int(rest)
                start = time.perf_counter()
                for _ in range(times):
                    result = function()
                print(time.perf_counter() - start, flush=True)
            elif command == "save":
                print(save(np, torch, rest, result, kind), flush=True)
                result = None
        except Exception as error:  # the driver shows it and goes on without this rival
            print("no", str(error).split("\n")[0], flush=True)


try:
    main(sys.argv[1], int(sys.argv[2]))
except ImportError:
    print("absent", flush=True)
