"""What is done with an input: as much as a user of it would do, e.g. a network is asked about an image."""

import random
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from modelprint.pixels import Picture
from tests.hostile import valid

PICTURE = Picture.of(valid.PIXELS[:1])
CLASSES = ("cat", "dog", "owl")
TOKEN = "hunter2-0000-4711"
LONGEST = 520
"""Characters of what is wrong with a reply and of the quotation from it."""


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
