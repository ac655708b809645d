"""The scoring server of MLflow, and Databricks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ({"predictions": [[0.1, 0.2, 0.7]]}, 2),
        ({"predictions": {"logits": [[0.1, 0.7, 0.2]]}}, 1),
        ({"predictions": ["cat"]}, 0),
        ({"predictions": [1]}, 1),
    ],
)
def test_a_question_and_its_answer(
    oracle: Opening, stand_in: Any, picture: Picture, reply: dict[str, object], label: int
) -> None:
    """Also of a model in ONNX format, which names its output."""
    stand_in.says(reply)

    answer = oracle(kind="mlflow", input={"values": "unit"}).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.method, seen.path, answer.label) == ("POST", "/invocations", label)
    np.testing.assert_allclose(np.array(seen.json()["inputs"])[0], picture.pixels / 255, atol=1e-7)


def test_databricks_has_a_name_in_the_path(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """The body is the same."""
    stand_in.says({"predictions": [1]})

    oracle(kind="mlflow", serving_endpoint="my model", input={"values": "grey"}).ask(picture)

    assert stand_in.seen[0].path == "/serving-endpoints/my%20model/invocations"


def test_an_error_is_quoted(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """MLflow says what is wrong with the input."""
    stand_in.says({"error_code": "BAD_REQUEST", "message": "Shape mismatch"})

    problem = oracle(kind="mlflow", input={"values": "grey"}).ask(picture).problem

    assert problem is not None
    assert "the reply has no predictions" in problem
    assert "Shape mismatch" in problem
