#!/usr/bin/env python3
"""Writes the files beside it, which the tests of io/ read. Needs NumPy and Pillow; the
tests need neither. Every array is (2, 3) and holds 0 1 2 / 3 4 5 (bool: value & 1, floats:
value + 0.5, complex: value + 0.5 - value j)."""
import gzip
import io
import os
import struct
import zipfile

import numpy as np
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
ramp = np.arange(6).reshape(2, 3)


def values(code):
    kind = np.dtype(code).kind
    if kind == "b":
        return (ramp & 1).astype(code)
    if kind == "f":
        return (ramp + 0.5).astype(code)
    if kind == "c":
        return (ramp + 0.5 - 1j * ramp).astype(code)
    return ramp.astype(code)


def put(name, data):
    with open(name, "wb") as f:
        f.write(data)


for code in "b1 i1 u1 i2 i4 i8 u2 u4 u8 f2 f4 f8 c8 c16".split():
    np.save(f"le_{code}.npy", values("<" + code))
    if np.dtype(code).itemsize > 1:
        np.save(f"be_{code}.npy", values(">" + code))
np.save("fortran_f4.npy", np.asfortranarray(values("f4")))
np.save("fortran_u2.npy", np.asfortranarray(values(">u2")))
np.save("scalar.npy", np.float64(2.5))
np.save("empty.npy", np.zeros((2, 0, 3), "i4"))
np.save("vector.npy", np.arange(5, dtype="i8"))
np.save("too_large_u8.npy", np.array([1, 2**63, 3], "u8"))
for version in (2, 3):
    with open(f"version{version}.npy", "wb") as f:
        np.lib.format.write_array(f, values("f4"), version=(version, 0))
np.save("object.npy", np.array([None, 1]), allow_pickle=True)
np.save("text.npy", np.array(["a", "bc"]))
np.save("record.npy", np.zeros(2, [("x", "f4"), ("y", "i4")]))
np.save("date.npy", np.array(["2026-01-01"], "M8[D]"))
np.save("longdouble.npy", np.zeros(2, np.longdouble))

np.savez("stored.npz", a=values("f4"), b=values("i8"))
np.savez_compressed("deflated.npz", a=values("f4"), b=values("i8"))


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def archive(name, entries, **extra):
    with zipfile.ZipFile(name, "w", **extra) as z:
        for n, data in entries:
            z.writestr(zipfile.ZipInfo(n), data)


archive("not_npy.npz", [("readme.txt", b"hello")])
archive("empty.npz", [])
archive("escape.npz", [("\x1b[31mred.npy", npy(values("u1")))])


def zip_bytes(entries):
    """entries: (name, data, header offset or None). Stored, written by hand."""
    import zlib

    body, central = b"", b""
    for name, data, at in entries:
        crc, n = zlib.crc32(data), len(data)
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, n, n, len(name), 0)
        offset = len(body) if at is None else at
        if at is None:
            body += b"PK\3\4" + common + name + data
        central += b"PK\1\2" + struct.pack("<H", 20) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0, offset) + name
    k = len(entries)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, k, k, len(central), len(body), 0)
    return body + central + end


# Two records of the directory that share one entry, and an entry inside another's data.
one = npy(values("u1"))
put("overlap.npz", zip_bytes([(b"a.npy", one, None), (b"a.npy", one, 0)]))
inner = zip_bytes([(b"b.npy", one, None)])[: 30 + 5 + len(one)]
outer = npy(np.frombuffer(inner, "u1"))
at = 30 + 5 + outer.index(b"PK\3\4")
put("nested.npz", zip_bytes([(b"a.npy", outer, None), (b"b.npy", one, at)]))
put("twice.npz", zip_bytes([(b"a.npy", one, None), (b"a.npy", one, None)]))


def zip64_bytes():
    import zlib

    name, data = b"a.npy", npy(values("i4"))
    crc, n, full = zlib.crc32(data), len(data), 0xFFFFFFFF
    extra = struct.pack("<HHQQ", 1, 16, n, n)
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 33, crc, full, full, 5, len(extra))
    body = local + name + extra + data
    extra = struct.pack("<HHQQQ", 1, 24, n, n, 0)
    central = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 45, 45, 0, 0, 0, 33, crc, full, full, 5,
                                      len(extra), 0, 0, 0, 0, full) + name + extra
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(central), len(body))
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body) + len(central), 1)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    return body + central + end64 + locator + end


put("zip64.npz", zip64_bytes())

# Pictures, 5 wide and 4 high: red 40 x, green 60 y, blue 10 (x + y), alpha 255 - 20 x.
x, y = np.meshgrid(np.arange(5), np.arange(4))
rgba = np.stack([40 * x, 60 * y, 10 * (x + y), 255 - 20 * x], -1).astype("u1")
Image.fromarray(rgba[..., 0]).save("grey.png")
Image.fromarray(rgba[..., :3]).save("rgb.png")
Image.fromarray(rgba).save("rgba.png")
Image.fromarray(rgba[..., [0, 3]], "LA").save("grey_alpha.png")
Image.fromarray(rgba[..., :3]).quantize(32).save("palette.png")
Image.fromarray(rgba[..., 0] > 70).save("bits1.png")
Image.fromarray((rgba[..., 0].astype("u2") * 257)).save("bits16.png")


def interlaced(grey):
    """Adam7, which Pillow does not write."""
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = grey[y0::dy, x0::dx]
        rows += b"".join(b"\0" + row.tobytes() for row in part if row.size)
    head = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


put("interlaced.png", interlaced(rgba[..., 0] + rgba[..., 1]))


def idx(code, array):
    head = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return head + array.tobytes()


put("u1.idx", idx(0x08, values("u1")))
put("i2.idx", idx(0x0B, values(">i2")))
put("f4.idx", idx(0x0D, values(">f4")))
put("u1.idx.gz", gzip.compress(idx(0x08, values("u1")), mtime=0))
