"""Small valid inputs of every kind, made here, that mutations start from. Torch and ONNX are imported when needed."""

import gzip
import io
import json
import struct
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.hostile.mutations import write_archive

GOLDEN = Path(__file__).parent.parent / "golden"

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def save_to_bytes(save: Callable[[Path], object], name: str) -> bytes:
    """Return what `save` writes into the file that it is given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return path.read_bytes()


def fingerprints(*names: str) -> list[bytes]:
    """Return sealed files of the golden ones."""
    return [(GOLDEN / f"{name}.mprint").read_bytes() for name in names]


def weights() -> list[bytes]:
    """Return safetensors of the network `digits`, plain, folded, with eight-bit layers and around an ONNX graph."""
    import torch

    from modelprint.classifier import Classifier
    from modelprint.loading import save_weights
    from modelprint.networks import NETWORKS
    from modelprint.networks.forms import Folded, InBatches
    from modelprint.networks.onnx_network import OnnxNetwork

    torch.manual_seed(0)
    forms: tuple[Callable[[Any], Any], ...] = (
        lambda network: network,
        Folded,
        lambda network: InBatches(network, 7),
        lambda network: OnnxNetwork(graphs()[0]),
    )
    made = []
    for form in forms:
        network = form(NETWORKS["digits"].make(class_count=3, channels=1).eval())
        classifier = Classifier(network, image_shape=(1, 8, 8), class_count=3, name="digits")
        record = {"kind": "prune", "steps": 3}
        made.append(
            save_to_bytes(lambda path, one=classifier, said=record: save_weights(one, path, said), "w.safetensors")
        )
    return made


@cache
def programs() -> list[bytes]:
    """Return exported programs: for any batch, and for a batch of two."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 3),
    ).eval()
    images = (torch.rand(2, 1, 8, 8),)
    free = torch.export.export(network, images, dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},))
    fixed = torch.export.export(network, images)
    return [save_to_bytes(lambda path, one=one: torch.export.save(one, path), "p.pt2") for one in (free, fixed)]


@cache
def graphs(external: bool = False) -> list[bytes]:
    """Return an ONNX graph of images 1x8x8 and three classes; its weights in the file `weights.bin` if `external`."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    held = {
        "kernel": rng.normal(size=(2, 1, 3, 3)).astype(np.float32),
        "weight": rng.normal(size=(128, 3)).astype(np.float32),
        "bias": np.zeros(3, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["active"]),
        helper.make_node("Flatten", ["active"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in held.items()]
    if external:
        for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "1536")):
            tensors[1].external_data.add(key=key, value=value)
        tensors[1].data_location = TensorProto.EXTERNAL
        tensors[1].ClearField("raw_data")
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ("n", 1, 8, 8))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("n", 3))],
        tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return [made.SerializeToString()]


def images(*formats: str) -> list[bytes]:
    """Return a grey and a colour image of each format."""
    made = []
    for name in formats:
        for array in (PIXELS[0], PIXELS[:3].transpose(1, 2, 0)):
            buffer = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(array)).save(buffer, format=name)
            made.append(buffer.getvalue())
    return made


def arrays() -> list[bytes]:
    """Return NumPy archives: undivided and divided, stored and deflated."""
    names = np.array(["ant", "bee", "cat"])
    parts = {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:3], "y_test": LABELS[:3]}
    made = []
    for save in (np.savez, np.savez_compressed):
        for content in ({"pixels": PIXELS, "labels": LABELS, "class_names": names}, parts):
            buffer = io.BytesIO()
            save(buffer, **content)
            made.append(buffer.getvalue())
    return made


def idx(packed: bool = False) -> list[bytes]:
    """Return IDX files of images, plain or gzipped."""
    made = [struct.pack(">HBB", 0, 8, 3) + struct.pack(">III", *PIXELS.shape) + PIXELS.tobytes()]
    return [gzip.compress(one, mtime=0) for one in made] if packed else made


def idx_labels() -> bytes:
    """Return the IDX file of the labels."""
    return struct.pack(">HBB", 0, 8, 1) + struct.pack(">I", len(LABELS)) + bytes(LABELS.tolist())


def tables() -> list[bytes]:
    """Return parquet files of images: with numbers and names, and with texts as labels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = [{"bytes": images("PNG")[0], "path": None}] * 3
    made = []
    for labels, metadata in (([0, 1, 2], {"class_names": '["ant", "bee", "cat"]'}), (["ant", "bee", "cat"], {})):
        table = pa.table({"image": files, "label": labels}).replace_schema_metadata(metadata)
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        made.append(buffer.getvalue())
    return made


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
