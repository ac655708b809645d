"""Every other way to send a picture has a name that makes it permanent, and asks the same endpoint."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelprint.oracles.onnx import OnnxOracle
from modelprint.oracles.oracle import Answer
from modelprint.oracles.pixel_form import PixelForm
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.variants import INVERTED, SWAPPED, TRANSPOSED, explain_variant, list_variants
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]
SHAPE = (3, 4, 4)

IMAGENET = "request.mean: [0.485, 0.456, 0.406], request.std: [0.229, 0.224, 0.225]"
GREY_IMAGENET = "request.mean: [123.675, 116.28, 103.53], request.std: [58.395, 57.12, 57.375]"
ARRAY = {"image": "array_chw"}


@dataclass
class Memory:
    """Remembers the pixels it was asked about."""

    asked: list[np.ndarray] = field(default_factory=list)

    def ask(self, picture: Picture) -> Answer:
        self.asked.append(picture.pixels)
        return Answer(label=0)

    def describe(self) -> dict[str, str]:
        return {"kind": "memory"}


@pytest.mark.parametrize(
    ("request_form", "expected"),
    [
        ({}, [SWAPPED]),
        (
            ARRAY,
            [
                "request.colours: bgr",
                "request.values: unit",
                GREY_IMAGENET,
                "request.mean: [127.5], request.std: [127.5]",
            ],
        ),
        (
            ARRAY | {"values": "unit", "mean": 0.5, "std": 0.5, "colours": "bgr"},
            ["request.colours: rgb", "request.values: grey", "request.mean: null, request.std: null", IMAGENET],
        ),
    ],
)
def test_an_endpoint_that_takes_numbers_has_more_ways(
    oracle: Opening, request_form: dict[str, object], expected: list[str]
) -> None:
    """The name is the key of the endpoint file; a file of PNGs has no such key."""
    found = list_variants(oracle(request=request_form), SHAPE)

    assert list(found) == [*expected, INVERTED, TRANSPOSED]


@pytest.mark.parametrize(
    ("datatype", "expected"),
    [
        ("BYTES", [SWAPPED]),
        ("UINT8", ["input.colours: bgr"]),
        (
            "FP32",
            [
                "input.colours: bgr",
                "input.values: grey",
                IMAGENET.replace("request", "input"),
                "input.mean: [0.5], input.std: [0.5]",
            ],
        ),
    ],
)
def test_the_open_inference_protocol_has_the_ways_of_its_datatype(
    oracle: Opening, datatype: str, expected: list[str]
) -> None:
    """Grey levels have an order of colours only."""
    served = oracle(kind="open-inference", model="m", input={"name": "image", "datatype": datatype})

    assert list(list_variants(served, SHAPE)) == [*expected, INVERTED, TRANSPOSED]


def test_a_way_sends_other_numbers_within_the_same_budget(oracle: Opening, stand_in: object) -> None:
    """One request each; the oracle itself stays as it was."""
    stand_in.says({"label": "cat"})
    served = oracle(request=ARRAY, budget={"max_queries": 2})
    picture = Picture.of(np.full((3, 4, 4), 51, dtype=np.uint8))

    changed = list_variants(served, SHAPE)["request.values: unit"].ask(picture)
    usual, third = served.ask(picture), served.ask(picture)

    assert (changed.label, usual.label) == (0, 0)
    assert [seen.json()["image"][0][0][0] for seen in stand_in.seen] == [pytest.approx(0.2), 51]
    assert third.problem is not None
    assert third.problem.startswith("the budget is spent")


def test_an_onnx_file_has_ways_too(tmp_path: Path) -> None:
    """The name is the option; grey levels have no scale."""
    for kind, name in ((TensorProto.FLOAT, "float"), (TensorProto.UINT8, "grey")):
        nodes = [
            helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["cast"], ["logits"], axis=1),
        ]
        ends = [
            helper.make_tensor_value_info("image", kind, ("n", 3, 4, 4)),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("n", 48)),
        ]
        graph = helper.make_graph(nodes, "flat", ends[:1], ends[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, tmp_path / f"{name}.onnx")
    half = PixelForm(mean=(0.5,), std=(0.5,))

    floats = list_variants(OnnxOracle(tmp_path / "float.onnx", half), SHAPE)
    grey = list_variants(OnnxOracle(tmp_path / "grey.onnx"), SHAPE)

    assert list(floats)[:4] == [
        "--onnx-input colours=bgr",
        "--onnx-input values=grey",
        "--onnx-input without mean and std",
        "--onnx-input mean=0.485/0.456/0.406,std=0.229/0.224/0.225",
    ]
    assert list(grey) == ["--onnx-input colours=bgr", INVERTED, TRANSPOSED]


def test_pictures_are_changed_for_any_oracle() -> None:
    """By hand; a change twice is no change, and grey or oblong pictures have fewer."""
    served = Memory()
    pixels = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    ways = list_variants(served, SHAPE)

    for way in ways.values():
        way.ask(Picture.of(pixels))

    assert list(ways) == [SWAPPED, INVERTED, TRANSPOSED]
    assert [one[0, 0, 1] for one in served.asked] == [33, 254, 4]
    assert ways[SWAPPED].describe() == {"kind": "memory"}
    assert list(list_variants(served, (1, 4, 5))) == [INVERTED]


def test_advice_says_where_the_way_is_made_permanent() -> None:
    """In the endpoint file, in an option, or at the server."""
    assert explain_variant("request.values: unit", "http") == "put request.values: unit into the endpoint file"
    assert explain_variant("--onnx-input values=grey", "onnx") == "give --onnx-input values=grey"
    assert "the server has to read it as it is" in explain_variant(TRANSPOSED, "http")
    assert "colours: bgr" in explain_variant(SWAPPED, "http")
