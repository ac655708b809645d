import builtins
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelprint.errors import OracleError
from modelprint.oracles.onnx import OnnxOracle
from modelprint.oracles.pixel_form import PixelForm
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


@pytest.mark.parametrize("size", [1, 3])
def test_a_model_of_a_fixed_batch_gets_one_picture_as_often(size: int, tmp_path: Path) -> None:
    """The first row is the answer."""
    oracle = OnnxOracle(flatten_file(tmp_path / "m.onnx", shape=(size, 1, 2, 2)))

    answer = oracle.ask(PICTURE)

    assert (answer.label, answer.problem) == (3, None)
    assert answer.ranking[0] == (3, 1.0)


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

    with pytest.raises(OracleError, match="install the extra onnx as modelprint was installed"):
        OnnxOracle(path)


def test_a_description_identifies_the_file(tmp_path: Path) -> None:
    """By its hash; the folder is nobody's business."""
    described = OnnxOracle(flatten_file(tmp_path / "m.onnx")).describe()

    assert (described["kind"], described["name"], len(described["digest"])) == ("onnx", "m.onnx", 64)


WEIGHTS = np.eye(4, dtype=np.float32)


def external_file(path: Path, *locations: str, weights: np.ndarray = WEIGHTS) -> Path:
    """A model whose logits are the four pixels times weights that stand in the file `weights.bin`."""
    tensor = TensorProto(name="matrix", dims=[4, 4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for location in locations or ("weights.bin",):
        tensor.external_data.add(key="location", value=location)
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "external",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ("n", 1, 2, 2))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("n", 4))],
        [tensor],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "weights.bin").write_bytes(weights.astype(np.float32).tobytes())
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_external_weights_are_part_of_the_digest(tmp_path: Path) -> None:
    """The graph is the same, the weights are not: it is another model."""
    kept = OnnxOracle(external_file(tmp_path / "a" / "m.onnx"))
    moved = OnnxOracle(external_file(tmp_path / "b" / "m.onnx"))
    swapped = OnnxOracle(external_file(tmp_path / "c" / "m.onnx", weights=-WEIGHTS))

    assert (tmp_path / "a" / "m.onnx").read_bytes() == (tmp_path / "c" / "m.onnx").read_bytes()
    assert kept.digest == moved.digest != swapped.digest
    assert (kept.ask(PICTURE).label, swapped.ask(PICTURE).label) == (3, 0)


def test_a_file_without_external_weights_keeps_its_digest(tmp_path: Path) -> None:
    """The SHA-256 of the file, as in transcripts of old releases."""
    path = flatten_file(tmp_path / "m.onnx")

    assert OnnxOracle(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hosts", "a/../../secret.bin", "link.bin", ""])
def test_weights_outside_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    """A graph could have any file of this machine read as weights."""
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    path = external_file(tmp_path / "models" / "m.onnx", location)
    (tmp_path / "models" / "link.bin").symlink_to(tmp_path / "secret.bin")

    with pytest.raises(OracleError, match="names weights outside its folder"):
        OnnxOracle(path)


def test_every_location_of_a_tensor_counts(tmp_path: Path) -> None:
    """Whichever of them is loaded."""
    path = external_file(tmp_path / "m.onnx", "weights.bin", "absent.bin")

    with pytest.raises(OracleError, match=r"absent.bin: No such file"):
        OnnxOracle(path)


def test_links_into_a_cache_are_followed(tmp_path: Path) -> None:
    """Both files are links to where a download keeps its content."""
    external_file(tmp_path / "blobs" / "m.onnx")
    (tmp_path / "snapshot").mkdir()
    for name in ("m.onnx", "weights.bin"):
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "blobs" / name)

    assert len(OnnxOracle(tmp_path / "snapshot" / "m.onnx").digest) == 64


def test_external_weights_are_found_wherever_they_are(tmp_path: Path) -> None:
    """In a constant of a branch of a condition as well."""
    tensor = TensorProto(name="c", dims=[1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../outside.bin")
    constant = helper.make_node("Constant", [], ["out"], value=tensor)
    branch = helper.make_graph(
        [constant], "branch", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, (1,))]
    )
    condition = helper.make_node("If", ["flag"], ["out"], then_branch=branch, else_branch=branch)
    graph = helper.make_graph(
        [condition],
        "condition",
        [helper.make_tensor_value_info("flag", TensorProto.BOOL, ())],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, (1,))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(OracleError, match="names weights outside its folder"):
        OnnxOracle(tmp_path / "m.onnx")


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    """It would be waited for without end."""
    os.mkfifo(tmp_path / "m.onnx")

    with pytest.raises(OracleError, match="not a regular file"):
        OnnxOracle(tmp_path / "m.onnx")


COLOURS = Picture.of(np.arange(0, 120, 10, dtype=np.uint8).reshape(3, 2, 2))
FORMS: list[tuple[dict[str, object], int, tuple[int, ...], np.ndarray]] = [
    ({}, TensorProto.FLOAT, (1, 3, 2, 2), COLOURS.pixels / 255),
    ({"values": "grey"}, TensorProto.FLOAT, (1, 3, 2, 2), COLOURS.pixels),
    ({"colours": "bgr"}, TensorProto.UINT8, (1, 3, 2, 2), COLOURS.pixels[::-1]),
    ({"layout": "nhwc"}, TensorProto.FLOAT, (1, 2, 2, 3), COLOURS.pixels.transpose(1, 2, 0) / 255),
    ({"mean": 0.5, "std": 0.25}, TensorProto.FLOAT, (1, 3, 2, 2), (COLOURS.pixels / 255 - 0.5) / 0.25),
    ({}, TensorProto.FLOAT16, (1, 3, 2, 2), COLOURS.pixels / 255),
]


@pytest.mark.parametrize(("keys", "kind", "shape", "numbers"), FORMS)
def test_a_network_is_fed_as_it_wants(
    keys: dict[str, object], kind: int, shape: tuple[int, ...], numbers: np.ndarray, tmp_path: Path
) -> None:
    """Its logits are the numbers that arrive."""
    path = flatten_file(tmp_path / "m.onnx", kind=kind, shape=shape)
    oracle = OnnxOracle(path, PixelForm.model_validate(keys))

    answer = oracle.ask(COLOURS)

    arrived = dict(answer.ranking)
    assert sorted(arrived) == list(range(numbers.size))
    assert [float(text) for text in answer.printed] == pytest.approx(list(arrived.values()), rel=1e-6)
    for index, number in arrived.items():
        assert number == pytest.approx(numbers.ravel()[index], abs=1e-3)
    assert set(keys) <= set(oracle.describe())


def test_grey_levels_are_not_normalised(tmp_path: Path) -> None:
    """The input takes whole numbers."""
    path = flatten_file(tmp_path / "m.onnx", kind=TensorProto.UINT8)

    with pytest.raises(OracleError, match="takes no mean and std"):
        OnnxOracle(path, PixelForm(mean=(0.5,)))
