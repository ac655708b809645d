"""An ONNX graph is copied, hashed and sent like every other network."""

import copy
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.errors import CraftingError, LoadingError
from modelprint.fast.folding import make_quick_copy
from modelprint.networks.onnx_network import OnnxNetwork

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def graph(*, shape: tuple[int | str, ...] = ("n", 1, 2, 2)) -> bytes:
    """A graph whose logits are the four pixels times weights that are stored as bytes, half as large each."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"], axis=1),
        helper.make_node("DequantizeLinear", ["weight_quantized", "scale", "zero"], ["weight"]),
        helper.make_node("Mul", ["flat", "weight"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("weight_quantized", TensorProto.INT8, [4], [2, 4, 6, 8]),
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("zero", TensorProto.INT8, [], [0]),
    ]
    ends = (
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (shape[0], 4))],
    )
    made = helper.make_graph(nodes, "scaled", *ends, constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def classifier() -> Classifier:
    """The graph as a classifier of 2x2 images."""
    return Classifier(OnnxNetwork(graph()), image_shape=(1, 2, 2), class_count=4)


IMAGES = torch.tensor([[[[1.0, 0.5], [0.0, 0.25]]]])
LOGITS = [[1.0, 1.0, 0.0, 1.0]]


def test_it_answers_and_knows_its_shapes_and_weights() -> None:
    """Weights 1, 2, 3, 4 from the integers 2, 4, 6, 8 at half each."""
    network = OnnxNetwork(graph())

    assert network(IMAGES).tolist() == LOGITS
    assert (network.image_shape, network.class_count) == ((1, 2, 2), 4)
    assert network.float_weights()["weight"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_copies_of_a_running_graph_answer_alike() -> None:
    """Deep copies, the quick form, and one in another process; all with the same digest."""
    model = classifier()
    assert model.logits(IMAGES).tolist() == LOGITS

    for twin in (model.copy(), make_quick_copy(model), model.double()):
        assert twin.logits(IMAGES).tolist() == LOGITS
        assert twin.digest() == model.digest()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(model.logits, IMAGES).result().tolist() == LOGITS


def test_new_content_is_what_answers() -> None:
    """Filling a graph that already ran replaces it."""
    network, other = OnnxNetwork(graph()), OnnxNetwork(graph())
    network(IMAGES)
    broken = copy.deepcopy(other.state_dict())
    broken["content"].zero_()

    network.load_state_dict(broken)

    with pytest.raises(LoadingError, match="not a usable ONNX graph"):
        network(IMAGES)


def test_it_has_no_gradients_and_says_so() -> None:
    """A method that needs them is told to take another classifier."""
    with pytest.raises(CraftingError, match="no gradients"):
        OnnxNetwork(graph())(IMAGES.clone().requires_grad_())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a usable ONNX graph"),
        (graph(shape=("n", 1, "h", 2)), "expected fixed sizes"),
        (graph(shape=("n", 4)), "expected float images and logits"),
        (graph() + b"location", "refers to other files"),
    ],
)
def test_foreign_graphs_are_refused(content: bytes, message: str) -> None:
    """Garbage, free sizes, no images, and constants in files elsewhere."""
    with pytest.raises(LoadingError, match=message):
        OnnxNetwork(content)(IMAGES)
