"""Vertex AI."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """Every confidence is asked for; the model that answered is a hint."""
    stand_in.says(
        {
            "predictions": [{"ids": ["1", "2"], "displayNames": ["cat", "owl"], "confidences": [0.4, 0.6]}],
            "deployedModelId": "5501",
            "modelVersionId": "2",
        }
    )

    answer = oracle(kind="vertex-ai", url=f"{stand_in.url}/v1/e:predict", most_labels=3).ask(picture)

    sent = stand_in.seen[0].json()
    assert base64.b64decode(sent["instances"][0]["content"]) == picture.png
    assert sent["parameters"] == {"confidenceThreshold": 0.0, "maxPredictions": 3}
    assert (answer.label, answer.server["deployedModelId"], answer.server["modelVersionId"]) == (2, "5501", "2")


def test_a_container_answers_as_it_likes(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """In any usual form."""
    stand_in.says({"predictions": [[0.1, 0.7, 0.2]]})

    assert oracle(kind="vertex-ai").ask(picture).label == 1


@pytest.mark.parametrize(
    ("prediction", "problem"),
    [
        ([], "no list of one prediction"),
        ([{"displayNames": ["cat"], "confidences": []}], "of different length"),
        ([{"displayNames": [], "confidences": []}], "holds no scores"),
    ],
)
def test_an_empty_prediction_is_no_answer(
    oracle: Opening, stand_in: Any, picture: Picture, prediction: object, problem: str
) -> None:
    """As with a threshold that nothing reached."""
    stand_in.says({"predictions": prediction})

    answer = oracle(kind="vertex-ai").ask(picture)

    assert answer.label is None
    assert problem in str(answer.problem)
