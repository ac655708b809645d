"""The readers of files and replies that may come from anyone: what they read, how it is spoilt, how they may refuse it.

Each `read` goes as far as a user of the result would, e.g. a network is asked about an image.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from modelprint.errors import (
    BenchError,
    DataError,
    EndpointError,
    FingerprintError,
    LoadingError,
    OracleError,
    TranscriptError,
)
from tests.hostile import records, valid
from tests.hostile.formats import (
    change_arrays,
    change_fingerprint,
    change_graph,
    change_program,
    change_run,
    change_weights,
)
from tests.hostile.mutations import (
    Mutation,
    change_bytes,
    change_json,
    change_lines,
    change_png,
    change_text,
    read_archive,
)
from tests.hostile.reading import (
    Unusable,
    ask_graph,
    decode_image,
    read_answers,
    read_data,
    read_endpoint,
    read_fetched,
    read_fingerprint,
    read_ledger,
    read_path,
    read_plan,
    read_program,
    read_reply,
    read_run,
    read_sample,
    read_transcript,
    read_weights,
)

YAML = (
    *"{}[]|>#'\"~\t", "- ", "? ", ": ", "  ", "&a", "*a", "<<: *a", "!", "!!python/object:os.system", "---", "...",
    "%YAML 1.1", "null", "true", "on", "0x1F", "1e400", "${TOKEN}", "${", "${file:/etc/passwd}", "$IMAGE", "$.a[*]",
    "http", "\ufeff", "\u2028",
)  # fmt: skip
TOML = (
    *"[]={}\"'#.,", "[[", "]]", '\"\"\"', "inf", "nan", "-inf", "1979-05-27T07:32:00Z", "07:32:00", "0x1F", "1_000",
    "true", "\\u0000", "settings", "scales.paper", "[1, 2]", "{ a = 1 }", "a.b.c.d = 1", "prune-20", "int8-weights",
    "kind", "1e400",
)  # fmt: skip
STEPS = (
    *"$.[]a-_ \n", "[*]", "[0]", "[999999999]", '["', "['", '"]', "label", "list", "\u0660", "\ud800",
)  # fmt: skip
"""Words of a language, which mutations put into its texts."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One reader under test.

    Attributes:
        share: Its part of all inputs, in thousandths; what a single input costs is the main reason for it.
        name: Of the file that holds an input.
        errors: How it may refuse one.
        valid: Makes inputs that it accepts, given an empty folder.
        change: Spoils one.
        read: Reads the file at a path.
        place: Puts an input into a folder, beside what it needs there, and returns the path that is read.
    """

    share: int
    name: str
    errors: tuple[type[Exception], ...]
    valid: Callable[[Path], Sequence[bytes]]
    change: Mutation
    read: Callable[[Path], object]
    place: Callable[["Reader", bytes, Path], Path] = lambda reader, content, folder: _write(reader, content, folder)


def _write(reader: Reader, content: bytes, folder: Path) -> Path:
    path = folder / reader.name
    path.write_bytes(content)
    return path


def _beside(others: Mapping[str, bytes]) -> Callable[[Reader, bytes, Path], Path]:
    """Return what puts an input into a folder with `others`."""

    def place(reader: Reader, content: bytes, folder: Path) -> Path:
        for name, other in others.items():
            if not (folder / name).exists():
                (folder / name).write_bytes(other)
        return _write(reader, content, folder)

    return place


def _as_class_folders(reader: Reader, content: bytes, folder: Path) -> Path:
    for name, image in (("ant", valid.images("PNG")[0]), ("bee", content)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / reader.name).write_bytes(image)
    return folder


def _as_run_folder(reader: Reader, content: bytes, folder: Path) -> Path:
    for old in folder.iterdir():
        old.unlink()
    for name, member in read_archive(content).items():
        (folder / name).write_bytes(member)
    return folder


_IMAGE = Reader(
    share=40,
    name="a.png",
    errors=(ValueError,),
    valid=lambda _: valid.images("PNG"),
    change=change_png,
    read=decode_image,
)
_FINGERPRINT = Reader(
    share=40,
    name="f.mprint",
    errors=(FingerprintError,),
    valid=lambda _: valid.fingerprints("format-1", "format-2"),
    change=change_fingerprint,
    read=read_fingerprint,
)
_DATA = Reader(
    share=40, name="d.npz", errors=(DataError,), valid=lambda _: valid.arrays(), change=change_arrays, read=read_data
)
_ENDPOINT = Reader(
    share=16,
    name="e.yaml",
    errors=(EndpointError,),
    valid=lambda _: [text.encode() for text in records.ENDPOINTS],
    change=change_text(YAML),
    read=read_endpoint,
)
_GRAPH = Reader(
    share=15, name="g.onnx", errors=(OracleError,), valid=lambda _: valid.graphs(), change=change_graph, read=ask_graph
)
_LOG = Reader(
    share=60,
    name="t.jsonl",
    errors=(TranscriptError,),
    valid=lambda folder: [records.transcript(folder / "t.jsonl")],
    change=change_lines,
    read=read_transcript,
)

READERS: dict[str, Reader] = {
    "fingerprint, integrity": _FINGERPRINT,
    "fingerprint, ownership": replace(
        _FINGERPRINT, share=15, valid=lambda _: valid.fingerprints("ownership-labels-1", "ownership-views-1")
    ),
    "sample, PNG": replace(_IMAGE, share=90, read=read_sample),
    "weights, safetensors": Reader(
        share=12,
        name="w.safetensors",
        errors=(LoadingError,),
        valid=lambda _: valid.weights(),
        change=change_weights,
        read=read_weights,
    ),
    "network, .pt2": Reader(
        share=12,
        name="p.pt2",
        errors=(LoadingError,),
        valid=lambda _: valid.programs(),
        change=change_program,
        read=read_program,
    ),
    "network, .onnx": _GRAPH,
    "network, .onnx with external data": replace(
        _GRAPH,
        share=10,
        valid=lambda _: valid.graphs(external=True),
        place=_beside({"weights.bin": np.zeros(384, np.float32).tobytes()}),
    ),
    "data, .npz": _DATA,
    "data, IDX": replace(
        _DATA,
        share=70,
        name="train-images-idx3-ubyte",
        valid=lambda _: valid.idx(),
        change=change_bytes,
        place=_beside({"train-labels-idx1-ubyte": valid.idx_labels()}),
    ),
    "data, IDX gzipped": replace(
        _DATA,
        share=30,
        name="train-images-idx3-ubyte.gz",
        valid=lambda _: valid.idx(packed=True),
        change=change_bytes,
        place=_beside({"train-labels-idx1-ubyte.gz": gzip.compress(valid.idx_labels(), mtime=0)}),
    ),
    "data, parquet": replace(_DATA, share=15, name="d.parquet", valid=lambda _: valid.tables(), change=change_bytes),
    "data, folder of pictures": replace(
        _DATA, share=6, name="a.png", valid=lambda _: valid.images("PNG"), change=change_png, place=_as_class_folders
    ),
    "image, PNG": _IMAGE,
    "image, JPEG": replace(_IMAGE, valid=lambda _: valid.images("JPEG"), change=change_bytes),
    "image, WebP BMP PPM": replace(_IMAGE, valid=lambda _: valid.images("WEBP", "BMP", "PPM"), change=change_bytes),
    "record of downloads": replace(
        _DATA,
        share=110,
        name="fetched.json",
        valid=lambda _: [records.FETCHED.encode()],
        change=change_json,
        read=read_fetched,
    ),
    "endpoint, YAML": _ENDPOINT,
    "path into a reply": replace(
        _ENDPOINT,
        share=160,
        errors=(ValueError, OracleError),
        valid=lambda _: [b"$.a[*].label", b"$['a'][0].list[*]", b"$.label.a"],
        change=change_text(STEPS),
        read=read_path,
    ),
    "reply of an endpoint": replace(
        _ENDPOINT,
        share=100,
        name="reply",
        errors=(Unusable,),
        valid=lambda _: records.replies(),
        change=change_json,
        read=read_reply,
    ),
    "transcript": _LOG,
    "ledger": replace(
        _LOG, share=80, valid=lambda folder: [records.ledger(folder / "l")], read=read_ledger, place=_write
    ),
    "log of answers": replace(
        _LOG,
        share=60,
        errors=(OracleError,),
        valid=lambda _: [records.answers()],
        read=read_answers,
        place=_write,
    ),
    "plan, TOML": Reader(
        share=14,
        name="p.toml",
        errors=(ValueError,),
        valid=lambda _: [records.PLAN.encode()],
        change=change_text(TOML),
        read=read_plan,
    ),
    "folder of a run": Reader(
        share=4,
        name="run.zip",
        errors=(BenchError,),
        valid=lambda _: records.run_folder(),
        change=partial(change_run, words=TOML),
        read=read_run,
        place=_as_run_folder,
    ),
}
"""All of them, by name."""
