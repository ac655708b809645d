"""Ways to spoil a valid input: its bytes, its text, or the values of its JSON. All randomness comes from the caller."""

import copy
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]
"""Returns a spoilt copy of an input."""

DEEP = "@DEEP@"
"""Stands for thousands of nested lists, which the JSON writer itself could not write."""

LONGEST = 1 << 20
"""Bytes; a longer result is cut."""

NUMBERS = (0, -1, 1, 2, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**48, 2**53, 2**62, 2**63, 2**64, 10**400)
FLOATS = (0.0, -0.0, 1e-20, 0.5, 1e308, -1e308, float("inf"), float("-inf"), float("nan"))
TEXTS = (
    "",
    "0",
    "NaN",
    "1e999",
    "../../../etc/passwd",
    "/dev/zero",
    "\x1b[31mred\x07",
    "a\nb\rc",
    "\ud800",
    "\u202egnp.exe",
    "\0",
    "${HOME}",
    "x" * 9000,
    "__import__('os').system('true')",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "2026-01-31T12:00:00Z",
    "0" * 64,
    "١٢",
    "%00%ff",
    "1_000",
)
KEYS = ("label", "score", "kind", "format", "shape", "data", "members", "__class__", "path", "name", "")
ZEROS = tuple(zlib.compress(bytes(count)) for count in (0, 100, 5_000_000))
BYTES = (b"\0", b"\xff", b"\x80", b"\x7f", b"\n", b'"', b"{", b"[", b"PK\x03\x04", b"\0\0\0\0", b"\xff\xff\xff\xff")


def change_bytes(rng: random.Random, content: bytes) -> bytes:
    """Change, insert, remove, repeat or cut some bytes in one to four places."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = rng.randrange(256)
        elif kind == 2:
            data[place:place] = rng.choice(BYTES) * rng.choice((1, 1, 4, 500))
        elif kind == 3:
            del data[place : place + rng.choice((1, 2, 4, 16, 256))]
        elif kind == 4:
            length = rng.choice((1, 4, 30, 300))
            data[place:place] = data[place : place + length] * rng.choice((1, 1, 8))
        elif kind == 5:
            form = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
            size = struct.calcsize(form)
            data[place : place + size] = struct.pack(form, rng.choice(NUMBERS) & (256**size - 1))
        elif kind == 6:
            other = rng.randrange(len(data) + 1)
            data[place : place + 16] = data[other : other + 16]
        elif rng.random() < 0.3:
            del data[place:]
    return bytes(data[:LONGEST])


def make_value(rng: random.Random) -> Any:
    """Return a value of JSON that no reader hopes for."""
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(NUMBERS) * rng.choice((1, 1, -1))
    if kind == 3:
        return rng.choice(FLOATS)
    if kind < 6:
        return rng.choice(TEXTS)
    if kind == 6:
        return rng.choice((None, True, False, [], {}, [[]], [None], {"": None}))
    if kind == 7:
        return rng.choice(([0] * 3000, [1.5, float("nan")], {str(n): n for n in range(300)}, ["a", "b"], [[0.1, 0.9]]))
    return DEEP


def change_tree(rng: random.Random, document: Any, values: Sequence[Any] = ()) -> Any:
    """Return `document`, plain data that is changed in place, with one to three of its values spoilt.

    Args:
        rng: Draws places and values.
        document: Lists, dictionaries and plain values.
        values: Further values that may be put in.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_list_places(document))
        if not places or rng.random() < 0.02:
            return make_value(rng)
        holder, key = rng.choice(places)
        kind = rng.randrange(10)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice(KEYS + TEXTS)] = holder[key]
        elif kind == 2:
            holder[key] = [holder[key]]
        elif kind == 3 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif kind == 4:
            other, there = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[there])) if _is_small(other[there]) else None
        elif kind == 5 and isinstance(holder[key], str):
            text = holder[key]
            cut = rng.randrange(len(text) + 1)
            holder[key] = text[:cut] + rng.choice((*TEXTS, "0", "-", ".")) + text[cut + rng.randrange(3) :]
        elif values and kind < 8:
            holder[key] = copy.deepcopy(rng.choice(values))  # or it could end up inside itself
        else:
            holder[key] = make_value(rng)
    return document


def write_json(rng: random.Random, document: Any) -> bytes:
    """Return `document` as JSON, which may repeat a key or nest deeply."""
    text = json.dumps(document, ensure_ascii=rng.random() < 0.7)
    if DEEP in text:
        depth = rng.choice((20, 60, 900, 3000, 50_000))
        text = text.replace(f'"{DEEP}"', "[" * depth + "]" * depth)
    if rng.random() < 0.05 and text.startswith("{") and len(text) > 2:
        text = "{" + text[1:-1] + ", " + text[1:]
    return text.encode("utf-8", "surrogatepass")


def change_json(rng: random.Random, content: bytes, values: Sequence[Any] = ()) -> bytes:
    """Spoil values of a JSON document; its bytes in some cases."""
    if rng.random() < 0.2:
        return change_bytes(rng, content)
    return write_json(rng, change_tree(rng, json.loads(content), values))


def change_lines(rng: random.Random, content: bytes) -> bytes:
    """Spoil a log of JSON lines: one line, the order of lines, or the bytes."""
    if rng.random() < 0.15:
        return change_bytes(rng, content)
    lines = content.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    kind = rng.randrange(8)
    if kind == 0:
        lines.insert(rng.randrange(len(lines) + 1), lines[place])
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        rng.shuffle(lines)
    else:
        lines[place] = write_json(rng, change_tree(rng, json.loads(lines[place]))) + b"\n"
    return b"".join(lines)


def change_text(words: Sequence[str]) -> Mutation:
    """Return what spoils a text of lines, such as YAML or TOML, with `words` of its language."""

    def change(rng: random.Random, content: bytes) -> bytes:
        if rng.random() < 0.15:
            return change_bytes(rng, content)
        lines = content.decode().splitlines()
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(lines)) if lines else 0
            line = lines[place] if lines else ""
            kind = rng.randrange(6)
            if kind == 0:
                lines.insert(place, rng.choice(lines) if lines else "")
            elif kind == 1:
                lines[place : place + rng.choice((1, 1, 3))] = []
            elif kind == 2:
                value = rng.choice((*words, *map(str, NUMBERS), *map(str, FLOATS), *map(ascii, TEXTS)))
                lines[place : place + 1] = [
                    line.partition(":")[0].partition("=")[0] + rng.choice((": ", " = ")) + value
                ]
            elif kind == 3:
                lines.insert(place, rng.choice(words) * rng.choice((1, 1, 1, 60, 2000)))
            else:
                cut = rng.randrange(len(line) + 1)
                lines[place : place + 1] = [line[:cut] + rng.choice(words) + line[cut + rng.choice((0, 0, 1, 5)) :]]
        return "\n".join(lines).encode("utf-8", "surrogatepass")[:LONGEST]

    return change


def write_archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP of `members` in their order, with the fixed date and attributes of a `.mprint` file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100644 << 16, compression
            archive.writestr(entry, content)
    return buffer.getvalue()


def read_archive(content: bytes) -> dict[str, bytes]:
    """Return the members of a valid ZIP."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def change_png(rng: random.Random, content: bytes) -> bytes:
    """Spoil a PNG inside its chunks, whose checksums are made right again; its bytes in some cases."""
    if rng.random() < 0.3:
        return change_bytes(rng, content)
    chunks, place = [], 8
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    index = rng.randrange(len(chunks))
    kind, body = chunks[index]
    change = rng.randrange(6)
    if change == 0 and kind == b"IHDR":
        sides = (rng.choice((0, 1, 7, 8, 4096, 4097, 20_000, 2**31 - 1)) for _ in range(2))
        chunks[index] = kind, struct.pack(">II", *sides) + body[8:]
    elif change == 1:
        chunks[index] = b"IDAT", rng.choice(ZEROS)
    elif change == 2:
        chunks.insert(index, (rng.choice((b"tEXt", b"zTXt", b"iCCP", b"tRNS", b"acTL", b"PLTE", b"eXIf")), body))
    elif change == 3:
        del chunks[index]
    else:
        chunks[index] = kind, change_bytes(rng, body)
    return content[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _list_places(document: Any) -> Any:
    """Yield every holder and key of nested lists and dictionaries."""
    open_ends = [document]
    while open_ends:
        holder = open_ends.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ():
            yield holder, key
            open_ends.append(holder[key])


def _is_small(value: Any) -> bool:
    return not isinstance(value, list | dict) or len(value) < 100
