"""Small valid inputs of every kind, made here, that mutations start from. Torch and ONNX are imported when needed."""

import gzip
import io
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

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
