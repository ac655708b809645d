"""Eight bits: simulated, or in real integer arithmetic by ONNX Runtime."""

import builtins
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modelprint.calibration import static_int8
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.loading import load_classifier, load_like, save_weights
from modelprint.networks.onnx_network import OnnxNetwork
from modelprint.streams import stream
from modelprint.tamperings import SUITE, Suspect, make_suspect, measure
from modelprint.tamperings.quantise import Quantise, QuantiseStatic
from modelprint.tensors import to_images


def test_bins_move_every_parameter_to_the_middle_of_one(tiny_model: Classifier, split: DataSet) -> None:
    """From 0 to 256 the bins are one wide: 0 goes to 0.5, 17.9 to 17.5, 256 to 255.5; equal numbers stay."""
    tiny_model.head.bias.data = torch.tensor([0.0, 17.9, 100.0, 256.0])
    tiny_model.network.convolutions[1].weight.data.fill_(0.3)

    network = Quantise(what="bins").apply(tiny_model, split, stream(0), lambda *_: None).network

    assert network.linear.bias.tolist() == [0.5, 17.5, 100.5, 255.5]
    assert network.convolutions[1].weight.unique().tolist() == pytest.approx([0.3])


@pytest.fixture(scope="module")
def static(_trained: Classifier, split: DataSet) -> Suspect:
    """The tiny model in static int8."""
    for module in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(module)
    return make_suspect("int8-static", SUITE["int8-static"](), _trained, split, seed=0)


def test_static_quantisation_runs_convolutions_on_integers(static: Suspect, tmp_path: Path) -> None:
    """What ONNX Runtime makes of the graph has integer convolutions and no other."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4  # it warns that the file is for this machine only
    content = static.classifier.network.content.numpy().tobytes()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    operations = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert operations.count("QLinearConv") == 2
    assert "Conv" not in operations


def test_static_quantisation_stays_close_and_says_how_close(
    static: Suspect, tiny_model: Classifier, split: DataSet
) -> None:
    """Weights move by about half a step, which is a 127th of the largest; nearly all labels stay."""
    assert 0 < static.movement.parameters < 0.01
    assert static.movement.buffers == 0
    assert static.movement.labels_changed <= 0.1
    assert measure(tiny_model, static.classifier, split.test) == static.movement


def test_static_quantisation_answers_each_image_for_itself(static: Suspect, split: DataSet) -> None:
    """Alone or among others: the same logits."""
    images = to_images(split.test.pixels)

    together, alone = (static.classifier.logits(images, batch=batch) for batch in (32, 1))

    assert torch.equal(together, alone)


def test_static_quantisation_does_not_overflow() -> None:
    """White images and weights of one: sums of 64, though each product is as large as bytes can make it."""
    pytest.importorskip("onnxruntime")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    network[1].weight.data = torch.tensor([[1.0], [-1.0]]).repeat(1, 64)
    network[1].bias.data.zero_()
    images = torch.cat([torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)])

    graph = OnnxNetwork(static_int8(Classifier(network, image_shape=(1, 8, 8), class_count=2), images))

    assert graph(images[1:]).flatten().tolist() == pytest.approx([64, -64], abs=0.5)


def test_a_stored_static_suspect_answers_as_before(
    static: Suspect, tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """Beside its original, or by the name of its architecture, which says nothing about the graph's own shapes."""
    path, images = tmp_path / "s.safetensors", to_images(split.test.pixels)
    save_weights(static.classifier, path, static.record())

    beside, record = load_like(tiny_model, path)
    named = load_classifier("digits", path)

    assert record == static.record()
    assert (named.class_count, named.image_shape) == (4, (1, 8, 8))
    for loaded in (beside, named):
        assert torch.equal(loaded.logits(images), static.classifier.logits(images))


def test_without_onnx_runtime_the_extra_is_named(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to install."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("onnx"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(LoadingError, match="install the extra onnx as modelprint was installed"):
        QuantiseStatic().apply(tiny_model, split, stream(0), lambda *_: None)
    with pytest.raises(ValueError, match="images must be at least 1"):
        QuantiseStatic(images=0)
