import builtins
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelprint.errors import OracleError
from modelprint.oracles.onnx import OnnxOracle
from modelprint.pixels import Picture

PICTURE = Picture.of(np.array([[[0, 51], [102, 255]]], dtype=np.uint8))


def flatten_file(
    path: Path,
    *,
    kind: int = TensorProto.FLOAT,
    shape: tuple[int | str, ...] = ("n", 1, 2, 2),
    overflow: bool = False,
    outputs: int = 1,
) -> Path:
    """A model whose logits are the four pixels themselves, or infinite when they are to overflow."""
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["cast"], ["flat"], axis=1),
        helper.make_node("Mul", ["flat", "factor"], ["logits"]),
    ]
    factor = np.array([np.inf if overflow else 1.0], dtype=np.float32)
    graph = helper.make_graph(
        nodes,
        "flatten",
        [helper.make_tensor_value_info("image", kind, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ("n", "classes"))
            for name in ("logits", "flat")[:outputs]
        ],
        [numpy_helper.from_array(factor, "factor")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_both_input_types_are_fed(kind: int, tmp_path: Path) -> None:
    """Images in [0, 1] for float32, grey levels for uint8; the brightest pixel is the label."""
    oracle = OnnxOracle(flatten_file(tmp_path / "m.onnx", kind=kind))

    answer = oracle.ask(PICTURE)

    assert (answer.label, answer.tie, answer.problem) == (3, False, None)


def test_equal_logits_are_a_tie(tmp_path: Path) -> None:
    """Two white pixels."""
    oracle = OnnxOracle(flatten_file(tmp_path / "m.onnx"))

    assert oracle.ask(Picture.of(np.array([[[0, 255], [0, 255]]], dtype=np.uint8))).tie


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"overflow": True}, "the model's logits are not finite"),
        ({"shape": (1, 3, 2, 2)}, "the model takes images of shape [1, 3, 2, 2], this one has [1, 1, 2, 2]"),
        ({"shape": ("n", "c")}, "the model takes images of shape"),
        ({"shape": (1, 1, 1, 4)}, "the model takes images of shape"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(arguments: dict[str, Any], problem: str, tmp_path: Path) -> None:
    """Another shape, or logits that are no numbers."""
    answer = OnnxOracle(flatten_file(tmp_path / "m.onnx", **arguments)).ask(PICTURE)

    assert problem in (answer.problem or "")
    assert answer.label is None


def test_an_output_that_is_no_row_of_logits_is_a_problem(tmp_path: Path) -> None:
    """One class is no choice."""
    oracle = OnnxOracle(flatten_file(tmp_path / "m.onnx", shape=("n", 1, "h", "w")))

    answer = oracle.ask(Picture.of(np.zeros((1, 1, 1), dtype=np.uint8)))

    assert answer.problem == "the model's output is float32 of shape [1, 1], expected logits"


def test_a_graph_that_fails_is_a_problem(tmp_path: Path) -> None:
    """ONNX Runtime's own words, in one line."""
    nodes = [helper.make_node("Reshape", ["image", "shape"], ["logits"])]
    graph = helper.make_graph(
        nodes,
        "reshape",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ("n", 1, "h", "w"))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([1, 5]), "shape")],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)

    answer = OnnxOracle(path).ask(PICTURE)

    assert (answer.problem or "").startswith("ONNX Runtime failed: ")
    assert "\n" not in (answer.problem or "")


def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """Missing, no ONNX, or of another input type: one line with the path."""
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"PK not a model")

    with pytest.raises(OracleError, match=r"absent.onnx: No such file"):
        OnnxOracle(tmp_path / "absent.onnx")
    with pytest.raises(OracleError, match=r"broken.onnx: not a usable ONNX file"):
        OnnxOracle(broken)
    with pytest.raises(OracleError, match=r"the input is tensor\(int64\)"):
        OnnxOracle(flatten_file(tmp_path / "m.onnx", kind=TensorProto.INT64))
    with pytest.raises(OracleError, match="the model has 2 outputs, expected 1"):
        OnnxOracle(flatten_file(tmp_path / "m.onnx", outputs=2))


def test_a_missing_runtime_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is an instruction."""
    path = flatten_file(tmp_path / "m.onnx")
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(OracleError, match=r'pip install "modelprint\[onnx\]"'):
        OnnxOracle(path)


def test_a_description_identifies_the_file(tmp_path: Path) -> None:
    """By its hash; the folder is nobody's business."""
    described = OnnxOracle(flatten_file(tmp_path / "m.onnx")).describe()

    assert (described["kind"], described["name"], len(described["digest"])) == ("onnx", "m.onnx", 64)
