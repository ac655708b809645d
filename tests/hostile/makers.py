"""Makers of hostile inputs."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tests.hostile import records, valid
from tests.hostile.mutations import DEEP, read_archive, write_archive

BOMB = 4 * 10**7
"""Bytes, of which a file of some KB says that it holds them."""
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
NESTED = b"[" * 100_000 + b"]" * 100_000
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


class Runs:
    """Would run code if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit(0)",)


def edit_json(content: bytes, member: str, change: Callable[[Any], None]) -> bytes:
    """Return an archive in which the JSON of the member whose name ends so was changed."""
    members = read_archive(content)
    name = next(name for name in members if name.endswith(member))
    record = json.loads(members[name])
    change(record)
    members[name] = json.dumps(record).replace(f'"{DEEP}"', NESTED.decode()).encode()
    return write_archive(members)


def sealed(change: Callable[[Any], None]) -> bytes:
    """Return a sealed file whose manifest was changed."""
    return edit_json(valid.fingerprints("format-2")[0], "manifest.json", change)


@cache
def deflated(name: str, size: int) -> bytes:
    """Return an archive of a few KB with one member of `size` zeros."""
    return write_archive({name: bytes(size)}, zipfile.ZIP_DEFLATED)


def png(width: int, height: int, depth: int = 8, colour: int = 0, *, data: bytes = b"", extra: bytes = b"") -> bytes:
    """Return a PNG of these chunks: the header, `extra` as a text, and `data` as its pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), (b"IDAT", zlib.compress(data))]
    chunks[1:1] = [(b"tEXt", extra)] if extra else []
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [*chunks, (b"IEND", b"")]
    )


def webp(side: int) -> bytes:
    """Return a WebP file whose header states a large canvas."""
    edge = struct.pack("<I", side - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + edge + edge
    return b"RIFF" + struct.pack("<I", len(body)) + body


def safetensors(header: dict[str, Any], data: bytes = b"", length: int | None = None) -> bytes:
    """Return a safetensors file with this header."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def empty_tensor(*shape: int) -> dict[str, Any]:
    """Return a tensor of no values for a header."""
    return {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 0]}


def npy(shape: str, kind: str = "|u1", data: bytes = b"") -> bytes:
    """Return a NumPy array with any header."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) & 0xFFFF) + head + data


def npz(**arrays: bytes) -> bytes:
    """Return a NumPy archive of these members; those that are not given are right."""
    given = {f"{name}.npy": content for name, content in arrays.items()}
    return write_archive(read_archive(valid.arrays()[0]) | given)


def npy_of(array: np.ndarray) -> bytes:
    """Return the bytes of an array, with pickles where it needs them."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def program(change: Callable[[Any], None]) -> bytes:
    """Return an exported program whose graph was changed."""
    return edit_json(valid.programs()[0], "model.json", change)


def nodes(record: Any) -> list[Any]:
    """Return the operators of a program."""
    return list(record["graph_module"]["graph"]["nodes"])


def set_operator(target: str, *inputs: Any) -> Callable[[Any], None]:
    """Return a change that lets the first operator be another one."""

    def change(record: Any) -> None:
        nodes(record)[0].update({"target": target}, **({"inputs": list(inputs)} if inputs else {}))

    return change


def graph(change: Callable[[Any], None], *, external: bool = False) -> bytes:
    """Return an ONNX graph that was changed."""
    import onnx

    model = onnx.load_from_string(valid.graphs(external)[0])
    change(model)
    return bytes(model.SerializeToString())


def set_location(place: str) -> Callable[[Any], None]:
    """Return a change of where external weights are."""

    def change(model: Any) -> None:
        model.graph.initializer[1].external_data[0].value = place

    return change


def set_dims(model: Any) -> None:
    """Let a constant state more values than memory holds."""
    model.graph.initializer[0].dims[0] = 2**60


def rename(model: Any) -> None:
    """Let an operator be an unknown one, whose name is a line of a terminal."""
    model.graph.node[0].op_type = "\x1b[31mConv\n"


def run(**files: bytes) -> bytes:
    """Return the folder of a run in which some files are others."""
    return write_archive(
        read_archive(records.run_folder()[0]) | {name.replace("__", "."): c for name, c in files.items()}
    )


def lines(*records: Any) -> bytes:
    """Return JSON lines."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)
