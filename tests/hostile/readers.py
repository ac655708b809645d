"""The readers of files and replies that may come from anyone: what they read, how it is spoilt, how they may refuse it.

Each `read` goes as far as a user of the result would, e.g. a network is asked about an image.
"""

import gzip
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.hostile import valid
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

from modelprint.errors import (
    BenchError,
    DataError,
    EndpointError,
    FingerprintError,
    LoadingError,
    OracleError,
    TranscriptError,
)
from modelprint.pixels import Picture

PICTURE = Picture.of(valid.PIXELS[:1])
CLASSES = ("cat", "dog", "owl")
TOKEN = "hunter2-0000-4711"
LONGEST = 520
"""Characters of what is wrong with a reply and of the quotation from it."""
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


def read_fingerprint(path: Path) -> object:
    """Do what `inspect` does."""
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.fingerprint.manifest import OWNERSHIP, read_kind
    from modelprint.fingerprint.ownership import OwnershipFingerprint

    kind = OwnershipFingerprint if read_kind(path) == OWNERSHIP else Fingerprint
    found = kind.load(path)
    return found.summary(), found.to_json()


def read_weights(path: Path) -> object:
    """Load them as what they say they are and as a suspect, and ask it about an image."""
    from modelprint.loading import load_classifier, load_like

    model = load_classifier("digits", path)
    return load_like(_make_model(), path)[0].copy(), model.digest()


@cache
def _make_model() -> Any:
    from modelprint.classifier import Classifier
    from modelprint.networks import NETWORKS

    network = NETWORKS["digits"].make(class_count=3, channels=1)
    return Classifier(network, image_shape=(1, 8, 8), class_count=3, name="digits")


def read_program(path: Path) -> object:
    """Load it and ask it about an image."""
    from modelprint.loading import load_classifier

    return load_classifier(str(path), image_shape=(1, 8, 8)).class_count


def ask_graph(path: Path) -> object:
    """Ask an ONNX file about a picture."""
    from modelprint.oracles.onnx import OnnxOracle

    oracle = OnnxOracle(path)
    return oracle.ask(PICTURE), oracle.describe()


def read_data(path: Path) -> object:
    """Read a data set from a file or folder."""
    from modelprint.data import load_data

    return load_data(path).train.digest


def decode_image(path: Path) -> object:
    """Decode an image of a data set."""
    from modelprint.data.images import decode

    return decode(path.read_bytes())


def read_sample(path: Path) -> object:
    """Decode a picture as it is sealed and sent."""
    from modelprint.fingerprint.container import read_png_shape

    content = path.read_bytes()
    return read_png_shape(content), Picture(content).pixels


def read_endpoint(path: Path) -> object:
    """Do what `verify --dry-run` does."""
    from modelprint.oracles.endpoint import load_endpoint, open_oracle, preview_request

    endpoint = load_endpoint(path, environ={"TOKEN": TOKEN, "HOME": "/root"})
    open_oracle(endpoint, CLASSES)
    preview = preview_request(endpoint, Picture.of(valid.PIXELS[:3]))
    assert TOKEN not in preview
    return preview, endpoint.describe(), endpoint.ceiling()


def read_plan(path: Path) -> object:
    """Read a plan at all of its scales."""
    from modelprint.bench.plan_file import read_plan

    return read_plan(path)


def read_run(path: Path) -> object:
    """Read the folder of a run, and make the tables of its report."""
    from modelprint.bench.reading import read_run
    from modelprint.bench.report import study_reports

    return [report.sections() for report in study_reports(read_run(path)).values()]


def read_transcript(path: Path) -> object:
    """Do what `replay` does."""
    from modelprint.verification import replay

    return replay(path, _load_sealed()).summary()


@cache
def _load_sealed() -> Any:
    from modelprint.fingerprint.integrity import Fingerprint

    return Fingerprint.load(valid.GOLDEN / "format-1.mprint")


def read_ledger(path: Path) -> object:
    """Do what `inspect --ledger` does."""
    from modelprint.verification.ledger import read_ledger

    return read_ledger(path, "f" * 64, 5).summary(5)


def read_answers(path: Path) -> object:
    """Continue from a log of answers."""
    from modelprint.oracles.recorded import RecordedOracle

    return RecordedOracle(_Fake(), path, subject="s").knows(PICTURE)


def read_fetched(path: Path) -> object:
    """Look up a file in the record of downloads."""
    from modelprint.data.lock import read_record

    return read_record(path.with_name("train.parquet"))


def read_path(path: Path) -> object:
    """Follow a path into a reply."""
    from modelprint.oracles.jsonpath import JsonPath

    document: Any = {"a": [{"label": "cat", "list": ["x"]}] * 3, "label": '{"a": 1}'}
    return JsonPath.parse(path.read_text("utf-8", "surrogatepass")).find_all(document)


class _Fake:
    """An oracle that is never asked."""

    def ask(self, picture: Picture) -> Any:
        raise NotImplementedError

    def describe(self) -> dict[str, str]:
        return {"kind": "fake"}


def read_reply(path: Path) -> object:
    """Let one wire format read a reply of status 200, or see it with status 500; nothing may be raised."""
    content = path.read_bytes()
    endpoints = _describe_endpoints()
    chosen = zlib.crc32(content) % (len(endpoints) + 1)
    answer = _open(endpoints[chosen % len(endpoints)], content, 200 if chosen < len(endpoints) else 500).ask(PICTURE)
    shown = repr(answer)
    assert TOKEN not in shown, shown
    assert answer.problem is None or (answer.problem.isprintable() and len(answer.problem) <= LONGEST), answer.problem
    assert answer.label is None or 0 <= answer.label < len(CLASSES)
    if answer.label is None:
        raise Unusable(answer.problem)
    return answer


class Unusable(Exception):  # noqa: N818 - what a run counts, never raised by an oracle
    """A reply is an answer with a problem."""


def _open(endpoint: Any, content: bytes, status: int) -> Any:
    from modelprint.oracles.endpoint import open_oracle
    from modelprint.oracles.requests import Caller, Reply, _judge

    caller = Caller()
    headers = {"via": content[:200].decode("latin-1"), "age": TOKEN}
    reply = _judge(Reply(status=status, content=content, headers=headers, attempts=1))
    caller.call = lambda message: reply  # type: ignore[method-assign]
    return open_oracle(endpoint, CLASSES, caller=caller, rng=random.Random(0))


@cache
def _describe_endpoints() -> list[Any]:
    """Return an endpoint for each way to find the answer in a reply, and secrets that a reply may repeat."""
    from modelprint.oracles.endpoint import parse_endpoint

    url = {"url": "http://127.0.0.1:9", "headers": {"X-Key": "${TOKEN}", "X-Pin": "${PIN}"}}
    forms: list[dict[str, Any]] = [
        {"label": "$.label", "score": "$.score", "hints": {"m": "$.model"}},
        {"label": "$.body.label", "topk": "$.items[*]"},
        {"topk": {"items": "$[*]"}},
        {"scores": "$.scores"},
        {"scores": "$.scores", "names": "$.names"},
    ]
    kinds: list[dict[str, Any]] = [{"kind": "http", **url, "response": form} for form in forms]
    kinds += [{"kind": "open-inference", **url, "model": "m"}]
    kinds += [{"kind": "open-inference", **url, "model": "m", "output": {"name": "scores", "classification": 2}}]
    return [parse_endpoint({"endpoint": kind}, environ={"TOKEN": TOKEN, "PIN": "0.25000"}) for kind in kinds]


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
    valid=lambda _: [text.encode() for text in valid.ENDPOINTS],
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
    valid=lambda folder: [valid.transcript(folder / "t.jsonl")],
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
        valid=lambda _: [valid.FETCHED.encode()],
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
        valid=lambda _: valid.replies(),
        change=change_json,
        read=read_reply,
    ),
    "transcript": _LOG,
    "ledger": replace(
        _LOG, share=80, valid=lambda folder: [valid.ledger(folder / "l")], read=read_ledger, place=_write
    ),
    "log of answers": replace(
        _LOG,
        share=60,
        errors=(OracleError,),
        valid=lambda _: [valid.answers()],
        read=read_answers,
        place=_write,
    ),
    "plan, TOML": Reader(
        share=14,
        name="p.toml",
        errors=(ValueError,),
        valid=lambda _: [valid.PLAN.encode()],
        change=change_text(TOML),
        read=read_plan,
    ),
    "folder of a run": Reader(
        share=8,
        name="run.zip",
        errors=(BenchError,),
        valid=lambda _: valid.run_folder(),
        change=partial(change_run, words=TOML),
        read=read_run,
        place=_as_run_folder,
    ),
}
"""All of them, by name."""
