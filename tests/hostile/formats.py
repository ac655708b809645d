"""Ways to spoil one kind of file inside its structure, where random bytes would fail at the first checksum."""

import hashlib
import json
import random
import re
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

import rfc8785

from tests.hostile.mutations import (
    NUMBERS,
    change_bytes,
    change_json,
    change_lines,
    change_png,
    change_text,
    change_tree,
    read_archive,
    write_archive,
    write_json,
)

OPERATORS = (
    "aten.full.default", "aten.zeros.default", "aten.repeat.default", "aten.expand.default", "aten.pad.default",
    "aten.constant_pad_nd.default", "aten.view.default", "aten.reshape.default", "aten.arange.default",
    "aten.conv2d.default", "aten.linear.default", "aten.lstm.input", "aten.upsample_nearest2d.vec", "aten.cat.default",
    "aten.index.Tensor", "aten.embedding.default", "aten.unfold.default", "aten.einsum.default", "aten.to.dtype",
    "aten.batch_norm.default", "aten.dropout.default", "aten.split.Tensor", "aten.as_strided.default",
    "aten.from_file.default", "aten.relu_.default", "aten.sym_size.int", "aten.pow.Scalar", "aten.topk.default",
    "aten.linspace.default", "aten.repeat_interleave.self_int", "aten.scatter.src", "aten.gather.default",
)  # fmt: skip
FORMS = ("folded", "onnx", "batch-1", "batch-999999", "batch-0", "other", "")
TYPES = ("F32", "U8", "F16", "BF16", "F8_E4M3", "I64", "BOOL", "X")
SHAPES = ([0], [2**31, 2**31], [2**62], [1, 0, 5], [-1], [3, 1, 3, 3], [3, 64], [64, 3], [])


def change_member(rng: random.Random, name: str, content: bytes) -> bytes:
    """Spoil a member of an archive by what its name says it is."""
    if name.endswith((".json", "json")):
        return change_json(rng, content)
    if name.endswith(".jsonl"):
        return change_lines(rng, content)
    if name.endswith(".png"):
        return change_png(rng, content)
    return change_array(rng, content) if name.endswith(".npy") else change_bytes(rng, content)


def change_array(rng: random.Random, content: bytes) -> bytes:
    """Spoil a NumPy array: the shape or type in its header, or its bytes."""
    head = re.compile(rb"'(descr|shape|fortran_order)': (\([^)]*\)|'[^']*'|\w+)")
    found = head.search(content, rng.randrange(40))
    if found is None or rng.random() < 0.4:
        return change_bytes(rng, content)
    values = (
        b"()",
        b"(0,)",
        b"(-1, 8, 8)",
        b"(2305843009213693952,)",
        b"(99999, 99999, 3)",
        b"(6, 8, 8, 1)",
        b"(1e9,)",
    )
    values += (
        b"'|O'",
        b"'<U999999999'",
        b"'<f8'",
        b"'|u1'",
        b"'<M8'",
        b"[('a', '<i4')]",
        b"'|V0'",
        b"True",
        b"(" * 500,
    )
    changed = content[: found.start(2)] + rng.choice(values) + content[found.end(2) :]
    length = changed.index(b"\n") - 9 if b"\n" in changed[:60_000] else 118
    return changed[:8] + struct.pack("<H", length & 0xFFFF) + changed[10:] if rng.random() < 0.9 else changed


def change_arrays(rng: random.Random, content: bytes) -> bytes:
    """Spoil a NumPy archive: one of its arrays, their names, or its bytes."""
    if rng.random() < 0.25:
        return change_bytes(rng, content)
    members = read_archive(content)
    name = rng.choice(list(members))
    kind = rng.randrange(6)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[rng.choice(list(members))] = members[name]
    elif kind == 2:
        members[rng.choice(("x.npy", "../x.npy", "labels.npy", "x_test.npy", "pixels"))] = members.pop(name)
    else:
        members[name] = change_array(rng, members[name])
    return write_archive(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def change_fingerprint(rng: random.Random, content: bytes) -> bytes:
    """Spoil a sealed file: its bytes, its manifest, or a member whose new hash then stands in the manifest."""
    if rng.random() < 0.25:
        return change_bytes(rng, content)
    members = read_archive(content)
    manifest = json.loads(members["manifest.json"])
    if rng.random() < 0.4:
        name = rng.choice([name for name in members if name != "manifest.json"])
        members[name] = change_member(rng, name, members[name])
        manifest["members"][name] = {
            "sha256": hashlib.sha256(members[name]).hexdigest(),
            "size": len(members[name]),
        }
    else:
        manifest = change_tree(rng, manifest)
    try:
        members["manifest.json"] = rfc8785.dumps(manifest)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        members["manifest.json"] = write_json(rng, manifest)
    return write_archive(members)


def change_weights(rng: random.Random, content: bytes) -> bytes:
    """Spoil a safetensors file: its bytes, the shapes in its header, its metadata."""
    if rng.random() < 0.15:
        return change_bytes(rng, content)
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = rng.randrange(4)
    if kind == 0:
        header.setdefault("__metadata__", {})[rng.choice(("modelprint.form", "modelprint.int8_layers"))] = rng.choice(
            (*FORMS, *(name.rpartition(".")[0] for name in header))
        )
    elif kind == 1:
        name = rng.choice([name for name in header if name != "__metadata__"])
        header[name] |= {"dtype": rng.choice(TYPES), "shape": rng.choice(SHAPES)}
    elif kind == 2:
        # A tensor without values takes no bytes, whatever its other sides are.
        shape = [rng.choice((0, 3, 64)), *(rng.choice((2**20, 2**31, 3, 1)) for _ in range(rng.randrange(4)))]
        name = rng.choice([name for name in header if name != "__metadata__"])
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    else:
        header = change_tree(rng, header)
    text = write_json(rng, header)
    size = len(text) if rng.random() < 0.95 else rng.choice(NUMBERS) % 2**64
    return struct.pack("<Q", size) + text + (data if rng.random() < 0.95 else change_bytes(rng, data))


def change_program(rng: random.Random, content: bytes) -> bytes:
    """Spoil an exported program: its bytes, its graph, the shapes of its tensors."""
    if rng.random() < 0.1:
        return change_bytes(rng, content)
    members = read_archive(content)
    names = [name for name in members if name.endswith(("model.json", "_config.json")) or "/weights/weight" in name]
    name = rng.choice([*names, next(name for name in names if name.endswith("model.json"))])
    if not name.endswith("model.json"):
        members[name] = change_member(rng, name, members[name])
        return write_archive(members)
    program = json.loads(members[name])
    nodes = program["graph_module"]["graph"]["nodes"]
    kind = rng.randrange(6)
    if kind == 0:
        rng.choice(nodes)["target"] = "torch.ops." + rng.choice(OPERATORS)
    elif kind == 1:
        sizes: list[Any] = [rng.choice((1, 3, 4096, 2**20, 2**31, 2**62)) for _ in range(rng.randint(1, 4))]
        node = rng.choice(nodes)
        node["target"] = "torch.ops." + rng.choice(OPERATORS[:8])
        given = {"name": rng.choice(("size", "repeats", "pad", "shape")), "arg": {"as_ints": sizes}, "kind": 1}
        node["inputs"] = [*node["inputs"][:1], given]
    elif kind == 2:
        rng.shuffle(nodes)
    elif kind == 3:
        nodes[:] = nodes * rng.choice((1, 2, 50))
    elif kind == 4:
        node = rng.choice(nodes)
        node["inputs"] = change_tree(rng, node["inputs"], [{"as_int": 2**40}, {"as_ints": [2**20, 2**20]}])
    else:
        program["graph_module"] = change_tree(rng, program["graph_module"])
    members[name] = write_json(rng, program)
    return write_archive(members)


def change_graph(rng: random.Random, content: bytes) -> bytes:
    """Spoil an ONNX graph: fields anywhere in it, or its bytes."""
    if rng.random() < 0.3:
        return change_bytes(rng, content)
    import onnx

    model = onnx.load_from_string(content)
    for _ in range(rng.randint(1, 3)):
        message, field = rng.choice(list(_list_fields(model)))
        value = getattr(message, field.name)
        try:
            _change_field(rng, message, field, value)
        except (TypeError, ValueError):  # a number or a text that the field cannot hold
            message.ClearField(field.name)
    return bytes(model.SerializeToString())


def _list_fields(message: Any) -> Any:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for inner in (value,) if hasattr(value, "ListFields") else value:
                yield from _list_fields(inner)


def _change_field(rng: random.Random, message: Any, field: Any, value: Any) -> None:
    texts = (
        "",
        "/etc/passwd",
        "../w",
        "Loop",
        "If",
        "Scan",
        "Tile",
        "Expand",
        "ConstantOfShape",
        "images",
        "weight",
        "\0",
    )
    if hasattr(value, "ListFields"):
        message.ClearField(field.name)
    elif hasattr(value, "append") or hasattr(value, "add"):
        kind = rng.randrange(4)
        if kind == 0 or not len(value):
            del value[:]
        elif kind == 1:
            del value[rng.randrange(len(value))]
        elif field.message_type is not None:
            value.add().CopyFrom(rng.choice(list(value)))
        elif isinstance(value[0], str):
            value[rng.randrange(len(value))] = rng.choice(texts)
        elif isinstance(value[0], int):
            value[rng.randrange(len(value))] = rng.choice(NUMBERS[:-1])
        else:
            value.append(value[0])
    elif isinstance(value, bytes):
        setattr(message, field.name, change_bytes(rng, value))
    elif isinstance(value, str):
        setattr(message, field.name, rng.choice(texts))
    elif isinstance(value, float):
        setattr(message, field.name, rng.choice((0.0, 1e38, float("nan"), -1.0)))
    else:
        setattr(message, field.name, rng.choice((-1, 0, 1, 2, 5, 17, 2**31 - 1, 2**62)))


def change_run(rng: random.Random, content: bytes, words: Sequence[str]) -> bytes:
    """Spoil one of the files of a run."""
    members = read_archive(content)
    name = rng.choice(list(members))
    if rng.random() < 0.1:
        del members[name]
        return write_archive(members)
    if name.endswith(".toml"):
        members[name] = change_text(words)(rng, members[name])
    elif name == "record.json" and rng.random() < 0.5:
        record = json.loads(members[name])
        record["studies"] = change_tree(rng, record["studies"])
        members[name] = write_json(rng, record)
    else:
        members[name] = change_member(rng, name, members[name])
    return write_archive(members)
