"""The archive of an exported program (`.pt2`): its graph as JSON and its tensors as raw bytes, nothing else.

Source: the archive format of torch.export.save since PyTorch 2.8 (schema major version 8). A `.pt2` also carries
guards, sample inputs and, where tensors are of special types, pickles. None of these is read.
"""

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modelprint.errors import LoadingError
from modelprint.files import open_regular, refuse_damage

SCHEMA = 8
"""The major version of the graph's schema that we read."""

MODEL, WEIGHTS, CONSTANTS = "models/model.json", "data/weights", "data/constants"

GRAPH_LIMIT = 64 * 2**20
"""Bytes of JSON in a graph, at most."""

SHARED = 4
"""Bytes of tensors for each byte of the file, at most: tensors may share a member, but not all of them."""

DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""Types of tensors by their number in the schema."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What we read of an exported program.

    Attributes:
        program: The decoded JSON of the program.
        weights: Parameters and buffers by name.
        constants: Other tensors of the graph by name.
        parameters: Names of those weights that are parameters.
    """

    program: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]
    parameters: frozenset[str]


def read_archive(path: Path) -> Archive:
    """Read the archive at `path`, whose members are stored uncompressed, so memory follows the size of the file.

    Raises:
        LoadingError: It is no such archive, of an unknown version, or holds a pickle where a tensor should be.
    """
    with open_regular(path, LoadingError) as file:
        start = file.read(9)
        if start[8:] == b"{":
            raise LoadingError(f"{path} looks like safetensors; give it as --weights, with the ending .safetensors")
        if start[:1] == b"\x80":
            raise LoadingError(
                f"{path} looks like a pickle, which can run code when opened and is never loaded; use "
                "torch.export.save(torch.export.export(...))"
            )
        damaged = f"{path} is not a readable exported program"
        with refuse_damage(damaged, LoadingError), zipfile.ZipFile(file) as archive:
            return _Reader(archive, path).read()


def list_members(path: Path) -> list[str]:
    """Return the names of the members of the archive at `path`; empty when it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # any bytes may be here, and zipfile raises many kinds
        return []


class _Reader:
    """One open archive."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.archive, self.path = archive, path
        names = archive.namelist()
        root = next((name.removesuffix(MODEL) for name in names if name.endswith("/" + MODEL) or name == MODEL), None)
        if root is None:
            raise LoadingError(f"{path} is no exported program{_guess_format(names)}")
        self.root = root
        self.free = SHARED * path.stat().st_size

    def read(self) -> Archive:
        program = self._json(MODEL)
        version = program["schema_version"]["major"]
        if version != SCHEMA:
            raise LoadingError(
                f"{self.path} has schema version {version!r}, this version reads {SCHEMA}; export it again with "
                f"PyTorch {torch.__version__.partition('+')[0]}"
            )
        weights, parameters = self._tensors(WEIGHTS, "model_weights_config.json")
        constants, _ = self._tensors(CONSTANTS, "model_constants_config.json")
        return Archive(program=program, weights=weights, constants=constants, parameters=parameters)

    def _member(self, name: str, limit: int | None = None) -> bytes:
        info = self.archive.getinfo(self.root + name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"member {name} is compressed")
        if limit is not None and info.file_size > limit:
            raise ValueError(f"member {name} has {info.file_size} bytes, the limit is {limit}")
        return self.archive.read(info)

    def _json(self, name: str) -> Any:
        return json.loads(self._member(name, GRAPH_LIMIT))

    def _tensors(self, folder: str, config: str) -> tuple[dict[str, Tensor], frozenset[str]]:
        """Return the tensors of a folder by name, and which of them are parameters."""
        entries = self._json(f"{folder}/{config}")["config"]
        tensors = {name: self._tensor(folder, name, entry) for name, entry in entries.items()}
        return tensors, frozenset(name for name, entry in entries.items() if entry["is_param"])

    def _tensor(self, folder: str, name: str, entry: Mapping[str, Any]) -> Tensor:
        if entry["use_pickle"] or entry["tensor_meta"] is None:
            raise LoadingError(
                f"{self.path}: {name} is stored as a pickle, which can run code when it is read; save the program "
                "with plain tensors"
            )
        meta = entry["tensor_meta"]
        dtype = DTYPES[meta["dtype"]]
        sizes, strides = (tuple(_whole(one) for one in meta[key]) for key in ("sizes", "strides"))
        offset = _whole(meta["storage_offset"])
        content = self._member(f"{folder}/{entry['path_name']}")
        if len(sizes) != len(strides) or len(content) % dtype.itemsize:
            raise ValueError(f"tensor {name} has {len(sizes)} sizes, {len(strides)} strides, {len(content)} bytes")
        count = len(content) // dtype.itemsize
        last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        # As many values as the file holds: a stride of 0 would make a large tensor out of few bytes.
        if math.prod(sizes) and (last >= count or math.prod(sizes) > count):
            raise ValueError(f"tensor {name} of shape {sizes} needs more than the {count} values in its member")
        self.free -= math.prod(sizes) * dtype.itemsize
        if self.free < 0:
            raise ValueError(f"its tensors are more than {SHARED} times as large as the file")
        if not math.prod(sizes):
            return torch.empty(sizes, dtype=dtype)
        flat = torch.frombuffer(bytearray(content), dtype=dtype)
        return flat.as_strided(sizes, strides, offset).clone()


def _whole(value: Mapping[str, Any]) -> int:
    """Return a size, stride or offset; ValueError when it is not a plain number."""
    number = value.get("as_int")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**48:
        raise ValueError(f"a size is a whole number, got {value!r}"[:200])
    return number


def _guess_format(names: list[str]) -> str:
    """Say what an archive may be instead."""
    if any(name.rpartition("/")[2] == "serialized_exported_program.json" for name in names):
        return ": it was saved by PyTorch before 2.8, with its weights as a pickle; save it again with a newer one"
    if any("/code/" in name for name in names):
        return ": it is TorchScript; use torch.export.save(torch.export.export(...))"
    if any(name.endswith("/data.pkl") for name in names):
        return ": it is a pickle of torch.save; use torch.export.save(torch.export.export(...))"
    return ""
