"""Small valid texts and logs: endpoints, plans, runs, transcripts, ledgers, replies. Mutations start from them."""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from tests.hostile.mutations import write_archive
from tests.hostile.valid import GOLDEN

ENDPOINTS = (
    """\
endpoint:
  kind: http
  url: https://api.example.org/v1/classify?version=2
  headers: {Authorization: "Bearer ${TOKEN}", Host: model.example.org}
  request:
    encoding: json
    image: array_chw
    values: unit
    colours: bgr
    mean: [0.5, 0.4, 0.3]
    std: [0.2, 0.2, 0.25]
    body:
      instances:
        - image: "$IMAGE"
          key: "${TOKEN}"
  response:
    topk: {items: "$.predictions[0].list[*]", label: "$.name", score: "$['the score']"}
    hints: {version: $.model}
  labels:
    kitty: cat
    doggo: dog
    owl: 2
  limits: {max_bytes: 100000, requests_per_second: 2.5, timeout_s: 3}
  retry: {attempts: 2, backoff_s: [0.1, 1], on: [429, 503]}
  budget: {max_queries: 40, price_per_query: 0.001}
""",
    """\
endpoint:
  kind: open-inference
  url: http://127.0.0.1:8080
  model: digits
  version: "1"
  input:
    name: image
    datatype: FP32
    layout: nhwc
  output:
    name: scores
    classification: 3
""",
    """\
endpoint:
  kind: http
  url: http://127.0.0.1:8080/form
  method: PUT
  request: {encoding: multipart, image: png_bytes, body: {file: $IMAGE, top: 3}}
  response: {scores: $.scores, names: $.names}
""",
)

FETCHED = json.dumps(
    {"format": 1, "files": {"train.parquet": {"url": "https://a/t", "size": 5, "sha256": "0" * 64, "checked": "none"}}}
)

PLAN = """\
name = "tiny"
title = "A test"
target = "digits"
seed = 7
models = 2
outputs = ["top-3", "label+p-dec2"]
ns = [1, 2, 5]
random_subsets = { size = 4, draws = 3 }
zoo = ["flip-sign*2"]
suspects = [
    { row = "Pruning", kind = "prune-20" },
    { row = "Bit flip", kind = "bit-flip", models = 1, reference = "int8-weights" },
    { row = "Nothing changed", kind = "none", control = true },
]

[[fingerprints]]
name = "natural"
method = "natural"
count = 6
profile = "exact"

[[fingerprints]]
name = "junction"
method = "junction"
count = 12
profile = "exact"
settings.k = [3]
settings.rounds = 1

[scales.laptop]
models = 1
without = ["none"]
kinds.prune-20 = { share = 0.3 }
"""


@cache
def run_folder() -> list[bytes]:
    """Return the files of a run as one archive."""
    from modelprint.bench.detection.observation import Observation
    from modelprint.bench.ownership.observation import OwnershipObservation
    from modelprint.bench.record import RunRecord, TargetRecord

    common: dict[str, Any] = {"plan": "tiny", "scale": "laptop", "target": "digits", "settings": {"share": 0.2}}
    common |= {"goal_value": 0.9, "goal_reached": True, "notes": "", "seed": 1}
    seen = [
        Observation(
            key=f"k{index}", row=row, kind=kind, batch_norm="", control=kind == "none", goal="", steps=3,
            movement={"l2": 0.5}, fingerprint="natural", method="natural", form="8-bit", samples=4,
            mismatched="0110" if kind != "none" else "0000", outputs={"top-3": "1110"}, orders={"greedy": [2, 1, 0, 3]},
            **common,
        )
        for index, (row, kind) in enumerate((("Pruning", "prune-20"), ("Nothing changed", "none")))
    ]  # fmt: skip
    owned = OwnershipObservation(
        key="o1", row="Pruning", kind="prune-20", relation="copy", in_training=False, control=False, accuracy=0.9,
        agreement=0.8, digest="0" * 64, similarities={"encoder": [0.9, 0.8]}, codes={"encoder": [[0.1, 0.2]]},
        kept={"c": 3}, gaps=[0.1], **common,
    )  # fmt: skip
    fingerprint = {"method": "natural", "samples": 4, "random_subsets": ["0 1", "2 3"], "seconds": 1.5}
    record = RunRecord(
        plan="tiny",
        scale="laptop",
        title="A test",
        target=TargetRecord(name="digits", network="digits", class_count=3, accuracy=0.9),
        planned=2,
        studies={"detection": {"outputs": ["top-3"], "ns": [1, 2], "fingerprints": {"natural": fingerprint}}},
    )
    timing = {"key": "k1", "label": "suspect prune-20, seed 1", "seconds": 2.5}
    files = {
        "record.json": record.to_json(),
        "observations.jsonl": "".join(one.to_line() for one in seen),
        "ownership.jsonl": owned.to_line(),
        "timings.jsonl": json.dumps(timing) + "\n",
        "plan.toml": PLAN,
        "remarks.toml": '"Pruning" = "only twenty percent"\n',
    }
    return [write_archive({name: text.encode() for name, text in files.items()})]


def transcript(path: Path) -> bytes:
    """Return the transcript of a check of the golden fingerprint; `path` is where it may write."""
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.oracles.oracle import Answer
    from modelprint.verification import verify
    from modelprint.verification.transcript import Transcript

    class Model:
        """Answers every sample as sealed, with scores."""

        def __init__(self, sealed: Fingerprint) -> None:
            self.labels = {sample.picture.sha256: sample.label for sample in sealed.samples}

        def ask(self, picture: Any) -> Answer:
            label = self.labels[picture.sha256]
            return Answer(
                label=label, named="Käse", ranking=((label, 0.75), (None, 0.25)), server={"via": "1"}, status=200
            )

        def describe(self) -> dict[str, str]:
            return {"kind": "fake"}

    sealed = Fingerprint.load(GOLDEN / "format-1.mprint")
    verify(Model(sealed), sealed, transcript=Transcript(path))
    return path.read_bytes()


def ledger(path: Path) -> bytes:
    """Return a ledger of five samples with a decided and an open run; `path` is where it may write."""
    from modelprint.verification.ledger import Ledger
    from modelprint.verification.verdict import Outcome

    held = Ledger(path=path)
    held.open("f" * 64, "0" * 64, 5)
    for outcome in (Outcome.INTACT, Outcome.INCONCLUSIVE):
        number, order = held.begin_run()
        held.add_question(order[0])
        held.end_run(number, order, outcome)
    return path.read_bytes()


def answers() -> bytes:
    """Return a log of kept answers."""
    from modelprint.oracles.oracle import Answer

    lines = [{"kind": "answers", "format": 1, "oracle": {"kind": "fake"}, "subject": "s"}]
    lines += [
        {"kind": "answer", "png_sha256": f"{n:064x}", "answer": asdict(Answer(label=n, ranking=((n, 0.5),)))}
        for n in range(3)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def replies() -> list[bytes]:
    """Return replies of servers in all usual forms."""
    ranked = [{"label": "cat", "score": 0.75}, {"label": "dog", "score": "0.25"}]
    tensor = {"name": "scores", "datatype": "FP32", "shape": [1, 3], "data": [[0.1, 0.7, 0.2]]}
    named = {"name": "scores", "datatype": "BYTES", "shape": [1, 2], "data": ["0.7:1:dog", "0.2:0:cat"]}
    documents: list[object] = [
        {"label": "cat", "score": 0.75, "items": ranked, "scores": [0.1, 0.7, 0.2], "names": ["cat", "dog", "owl"]},
        {"label": 2, "scores": {"cat": 0.1, "dog": 1e-3, "owl": "2.5e1"}, "model": "v3"},
        {"body": json.dumps({"label": "dog", "scores": json.dumps([[0.1], [0.7], [0.2]])})},
        {"id": "", "model_name": "m", "model_version": "1", "outputs": [tensor]},
        {"outputs": [named]},
        {"outputs": [{**tensor, "datatype": "BYTES", "shape": [1], "data": [json.dumps(ranked)]}]},
        {"error": {"message": "no such model"}, "detail": "hidden 4711", "label": None},
        ranked,
    ]
    return [json.dumps(document).encode() for document in documents]
