import base64
import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.open_inference import OpenInference
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.replies import Reading
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.fixture
def v2(oracle: Opening) -> Opening:
    """Opens an Open Inference oracle on the stand-in for the model "clf"."""
    return lambda **changes: oracle(**{"kind": "open-inference", "model": "clf", **changes})


def tensor(data: object, *shape: int, datatype: str = "FP32", name: str = "logits") -> dict[str, object]:
    """Return an output tensor."""
    return {"name": name, "shape": list(shape), "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("layout", "axes"), [("nchw", (0, 1, 2)), ("nhwc", (1, 2, 0)), ("chw", (0, 1, 2)), ("hwc", (1, 2, 0))]
)
def test_grey_levels_travel_as_a_uint8_tensor(
    layout: str, axes: tuple[int, int, int], v2: Opening, stand_in: object, picture: Picture
) -> None:
    """Row-major numbers, a shape that fits the layout, the name from the description, and always an id."""
    stand_in.says({"outputs": [tensor([0.1, 0.9, 0.2], 1, 3)]})

    answer = v2(input={"name": "x", "layout": layout}).ask(picture)

    seen = stand_in.seen[0]
    document = seen.json()
    expected = picture.pixels.transpose(axes)
    sent = document["inputs"][0]
    assert seen.path.endswith("/v2/models/clf/infer")
    assert seen.headers["content-type"] == "application/json"
    assert len(document["id"]) == 32
    assert "outputs" not in document
    assert (sent["name"], sent["datatype"]) == ("x", "UINT8")
    assert sent["shape"] == ([1] if layout[0] == "n" else []) + list(expected.shape)
    assert sent["data"] == expected.ravel().tolist()
    assert (answer.label, answer.named, answer.ranking[0]) == (1, 1, (1, 0.9))


@pytest.mark.parametrize(("values", "divisor"), [("unit", 255), ("grey", 1)])
def test_fp32_tensors_hold_units_or_grey_levels(
    values: str, divisor: int, v2: Opening, stand_in: object, picture: Picture
) -> None:
    """The JSON numbers are exactly the float32 values."""
    stand_in.says({"outputs": [tensor([0.1, 0.9, 0.2], 1, 3)]})

    v2(input={"datatype": "FP32", "values": values}).ask(picture)

    sent = np.array(stand_in.seen[0].json()["inputs"][0]["data"])
    np.testing.assert_array_equal(sent, (picture.pixels.ravel().astype(np.float32) / np.float32(divisor)).astype(float))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mean": 0.5, "std": 0.25}, lambda grey: (grey / 255 - 0.5) / 0.25),
        (
            {"values": "grey", "colours": "bgr", "mean": [103, 116, 123]},
            lambda grey: grey[::-1] - [[[103]], [[116]], [[123]]],
        ),
        ({"layout": "nhwc", "colours": "bgr"}, lambda grey: grey[::-1].transpose(1, 2, 0) / 255),
        ({"datatype": "FP16"}, lambda grey: (grey / 255).astype(np.float16)),
        ({"datatype": "UINT8", "colours": "bgr"}, lambda grey: grey[::-1]),
    ],
)
def test_pixels_are_sent_as_the_network_wants_them(
    changes: dict[str, object],
    expected: Callable[[np.ndarray], np.ndarray],
    v2: Opening,
    stand_in: object,
    picture: Picture,
) -> None:
    """For a server without a preprocessing of its own."""
    stand_in.says({"outputs": [tensor([0.1, 0.9, 0.2], 1, 3)]})

    answer = v2(input={"datatype": "FP32", **changes}).ask(picture)

    sent = stand_in.seen[0].json()["inputs"][0]
    wanted = expected(picture.pixels.astype(np.float64))
    assert answer.label == 1
    assert sent["shape"] == [1, *wanted.shape]
    np.testing.assert_allclose(sent["data"], wanted.ravel(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mean": 0.5}, "mean and std go with FP32 or FP16, not with UINT8"),
        ({"datatype": "BYTES", "colours": "bgr"}, "colours: bgr goes with numbers"),
    ],
)
def test_pixels_that_cannot_be_sent_are_refused(changes: dict[str, object], reason: str, v2: Opening) -> None:
    """A file has its own colours, and grey levels are whole numbers."""
    with pytest.raises(EndpointError, match=reason):
        v2(input=changes)


def test_the_png_can_travel_as_base64_bytes(v2: Opening, stand_in: object, picture: Picture) -> None:
    """For servers that decode files themselves."""
    stand_in.says({"outputs": [tensor([2], 1, datatype="INT64")]})

    v2(input={"datatype": "BYTES"}).ask(picture)

    sent = stand_in.seen[0].json()["inputs"][0]
    assert sent["shape"] == [1]
    assert base64.b64decode(sent["data"][0]) == picture.png


def test_version_output_and_names_reach_the_address(v2: Opening, stand_in: object, picture: Picture) -> None:
    """Names are quoted, a trailing slash does no harm, and a version may be written as a number."""
    stand_in.says({"outputs": [tensor([2], 1, 1, datatype="INT64", name="label")]})

    oracle = v2(url=f"{stand_in.url}/base/", model="a/b", version=3, output="label")
    answer = oracle.ask(picture)

    assert stand_in.seen[0].path.endswith("/base/v2/models/a%2Fb/versions/3/infer")
    assert stand_in.seen[0].json()["outputs"] == [{"name": "label"}]
    assert answer.label == 2
    assert oracle.describe() == {
        "kind": "open-inference",
        "url": f"{stand_in.url}/base/",
        "model": "a/b",
        "version": "3",
    }


OUTPUTS = [
    (tensor([0.1, 0.9, 0.2], 1, 3), 1),
    (tensor([[0.1, 0.9, 0.2]], 1, 3), 1),
    (tensor([0.1, 0.9, 0.2], 3, datatype="FP64"), 1),
    (tensor([1, 2, 3], 1, 3, datatype="INT32"), 2),
    (tensor([2], 1, datatype="INT64"), 2),
    (tensor([[1]], 1, 1, datatype="UINT8"), 1),
    (tensor(["owl"], 1, datatype="BYTES"), 2),
    (tensor([["dog"]], 1, 1, datatype="BYTES"), 1),
    (tensor(['"dog"'], 1, datatype="BYTES"), 1),
    (tensor([0.1, 0.9, 0.2], 1, 3, 1, 1), 1),
    (tensor([[[0.1], [0.9], [0.2]]], 1, 3, 1), 1),
    (tensor(["0.1", "0.9", "0.2"], 1, 3), 1),
    (tensor(['[{"label": "cat", "score": 0.1}, {"label": "dog", "score": 0.9}]'], 1, 1, datatype="BYTES"), 1),
    (tensor(['{"cat": 0.1, "dog": "0.9"}'], 1, datatype="BYTES"), 1),
    (tensor([{"cat": 0.1, "dog": 0.9}], 1, datatype="BYTES"), 1),
    (tensor(['"{\\"label\\": \\"dog\\"}"'], 1, datatype="BYTES"), 1),
    (tensor(["[0.1, 0.9, 0.2]"], 1, datatype="BYTES"), 1),
]


@pytest.mark.parametrize(("output", "label"), OUTPUTS)
def test_scores_numbers_and_texts_are_labels(
    output: dict[str, object], label: int, v2: Opening, stand_in: object, picture: Picture
) -> None:
    """Flat or nested, a vector, a whole number or a text."""
    stand_in.says({"model_name": "clf", "model_version": None, "id": None, "outputs": [output]})

    answer = v2().ask(picture)

    assert (answer.label, answer.problem) == (label, None)
    assert answer.server["model_name"] == "clf"


@pytest.mark.parametrize(
    ("classes", "named", "ranking"),
    [
        (["0.9:2:owl", "0.1:0:cat"], "owl", ((2, 0.9), (0, 0.1))),
        (["0.1:0", "0.9:1"], 1, ((1, 0.9), (0, 0.1))),
        (["0.9:1:", "0.1:0:a:b"], 1, ((1, 0.9), (None, 0.1))),
    ],
)
def test_triton_classes_are_split_at_two_colons(
    classes: list[str],
    named: str | int,
    ranking: tuple[tuple[int | None, float], ...],
    v2: Opening,
    stand_in: object,
    picture: Picture,
) -> None:
    """A label may hold colons itself; without one the index is the label."""
    stand_in.says({"outputs": [tensor([classes], 1, 2, datatype="BYTES")]})

    answer = v2(output={"name": "logits", "classification": 2}).ask(picture)

    assert stand_in.seen[0].json()["outputs"] == [{"name": "logits", "parameters": {"classification": 2}}]
    assert (answer.named, answer.ranking) == (named, ranking)
    assert answer.printed == ("0.9", "0.1")


def test_a_reply_to_another_request_is_no_answer(
    v2: Opening, stand_in: object, reply: object, picture: Picture
) -> None:
    """A cache that mixes replies up is found out; our own id is accepted."""
    outputs = [tensor([2], 1, datatype="INT64")]
    stand_in.replies = [
        lambda seen: reply({"id": seen.json()["id"], "outputs": outputs}),
        lambda _: reply({"id": "other", "outputs": outputs}),
    ]
    oracle = v2()

    assert oracle.ask(picture).label == 2
    assert (oracle.ask(picture).problem or "").startswith("the reply carries the id of another request; the reply: ")
    assert stand_in.seen[0].json()["id"] != stand_in.seen[1].json()["id"]


def outputs(*given: object) -> dict[str, object]:
    """Return a reply with these outputs."""
    return {"outputs": list(given)}


NO_ANSWERS = [
    ([], "no JSON object"),
    ({}, "no list of outputs"),
    ({"outputs": [1]}, "no list of outputs"),
    ({"outputs": {"name": "logits"}}, "no list of outputs"),
    (outputs(), "the outputs none"),
    (outputs(tensor([1], 1), tensor([1], 1, name="label")), "logits, label; expected exactly one"),
    (outputs({"name": "x"}), "datatype"),
    (outputs(tensor([True], 1, datatype="BOOL")), "datatype"),
    (outputs(tensor([1], 1, datatype=["INT64"])), "datatype"),
    (outputs(tensor([1], -1, datatype="INT64")), "no shape"),
    (outputs(tensor([1], True, datatype="INT64")), "no shape"),
    (outputs({**tensor([1], datatype="INT64"), "shape": "1"}), "no shape"),
    (outputs(tensor([1], *[2**30] * 5000, datatype="INT64")), "no shape"),
    (outputs({"name": "x", "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": 12}}), "no data"),
    (outputs(tensor([0.1, 0.9], 1, 3)), "2 values, its shape [1, 3] says 3"),
    (outputs(tensor([0.1] * 6, 2, 3)), "one row for one picture"),
    (outputs(tensor([0.1] * 6, 1, 2, 3, 1)), "one row for one picture"),
    (outputs(tensor(['{"a": "b"}'], 1, datatype="BYTES")), "a score is a text"),
    (outputs(tensor([0.1] * 4, 1, 4)), "scores 4 classes, the fingerprint knows 3"),
    (outputs(tensor([0.7], 1, 1)), "1 scores"),
    (outputs(tensor(["a", "b"], 1, 2, datatype="BYTES")), "2 labels, expected 1"),
    (outputs(tensor([None], 1, datatype="BYTES")), "the label is null"),
    (outputs(tensor([{}, 1, 2], 1, 3)), "a score is an object"),
    (outputs(tensor([5], 1, datatype="INT64")), "no class index"),
]


@pytest.mark.parametrize(("document", "problem"), NO_ANSWERS)
def test_a_strange_reply_is_a_problem(
    document: object, problem: str, v2: Opening, stand_in: object, picture: Picture
) -> None:
    """Types, shapes and counts are checked before anything becomes a label."""
    stand_in.says(document)

    answer = v2().ask(picture)

    assert problem in (answer.problem or "")
    assert answer.label is None


@pytest.mark.parametrize("written", ["0.9", "0.9:x:cat", "high:1:dog", 3, "nan:1:dog", "0.9:1:" + "x" * 300])
def test_strange_classes_are_a_problem(written: object, v2: Opening, stand_in: object, picture: Picture) -> None:
    """What is not value:index:label is not guessed."""
    stand_in.says(outputs(tensor([written], 1, 1, datatype="BYTES")))

    answer = v2(output={"name": "logits", "classification": 1}).ask(picture)

    assert answer.label is None
    assert answer.problem


def test_the_wanted_output_is_found_among_others(v2: Opening, stand_in: object, picture: Picture) -> None:
    """Servers may send more than was asked for."""
    stand_in.says(outputs(tensor([9], 1, datatype="INT64", name="other"), tensor([0.1, 0.2, 0.9], 1, 3)))

    assert v2(output="logits").ask(picture).label == 2
    assert "expected 'absent'" in (v2(output="absent").ask(picture).problem or "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("FP32") | st.just("INT64"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["outputs", "name", "shape", "datatype", "data", "id"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(JSON, JSON, JSON, JSON)
def test_any_document_is_a_reading_or_an_oracle_error(whole: object, kind: object, shape: object, data: object) -> None:
    """No reply gets another exception out of a wire format."""
    wire = OpenInference.model_validate({"kind": "open-inference", "url": "http://localhost", "model": "clf"})
    for document in (whole, outputs({"datatype": kind, "shape": shape, "data": data})):
        with contextlib.suppress(OracleError):
            assert isinstance(wire.read(document, "0"), Reading)


def test_a_model_has_a_name() -> None:
    """Without one there is no address."""
    with pytest.raises(ValueError, match="model"):
        OpenInference.model_validate({"kind": "open-inference", "url": "http://localhost"})
