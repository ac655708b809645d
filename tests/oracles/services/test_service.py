"""What named services share: the numbers of a picture, and answers in every usual form."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.services.service import find_member, read_answer
from modelprint.oracles.services.table import SERVICES
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.mark.parametrize(
    ("answer", "named", "scores"),
    [
        ("owl", "owl", []),
        (2, 2, []),
        ([2], 2, []),
        ([[2]], 2, []),
        (["owl"], "owl", []),
        ([[0.1, 0.7, 0.2]], 1, [0.7, 0.2, 0.1]),
        ([[[0.1], [0.7], [0.2]]], 1, [0.7, 0.2, 0.1]),
        ({"logits": [[0.1, 0.7, 0.2]]}, 1, [0.7, 0.2, 0.1]),
        ([{"output_0": [0.1, 0.7, 0.2]}], 1, [0.7, 0.2, 0.1]),
        ([{"label": "owl", "score": 0.9}, {"label": "cat", "score": 0.1}], "owl", [0.9, 0.1]),
        ([[{"label": "cat", "score": 0.1}, {"label": "owl", "score": 0.9}]], "owl", [0.9, 0.1]),
        ([{"className": "owl", "probability": 0.9}, {"className": "cat", "probability": 0.1}], "owl", [0.9, 0.1]),
        ({"class": "owl", "confidence": "0.9"}, "owl", [0.9]),
        ([{"label": "owl"}], "owl", []),
        ({"cat": 0.1, "owl": 0.9}, "owl", [0.9, 0.1]),
        ('{"label": "owl"}', "owl", []),
        ("[[0.1, 0.7, 0.2]]", 1, [0.7, 0.2, 0.1]),
    ],
)
def test_answers_are_read(answer: object, named: object, scores: list[float]) -> None:
    """One label, scores in class order, classes with scores, perhaps in lists of one or in a text."""
    reading = read_answer(answer)

    assert reading.named == named
    assert [score for _, score in reading.ranking] == scores


@pytest.mark.parametrize("answer", [None, True, [], {}, [[]], [{"score": 0.5}], {"a": []}, [["a", "b"]], 0.5, ["x", 1]])
def test_other_answers_are_refused(answer: object) -> None:
    """As answers that say nothing."""
    with pytest.raises(OracleError):
        read_answer(answer)


def test_nesting_ends() -> None:
    """A list of lists of lists is opened without recursion."""
    answer: object = 1
    for _ in range(30):
        answer = [answer]

    assert read_answer(answer).named == 1


@pytest.mark.parametrize("document", [None, [], {"other": 1}, "predictions"])
def test_a_missing_member_is_named(document: object) -> None:
    """In the problem of the answer."""
    with pytest.raises(OracleError, match="the reply has no predictions"):
        find_member(document, "predictions")


def test_numbers_are_what_the_keys_say(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """Range, normalisation, order of colours and axes."""
    stand_in.says({"predictions": [0]})
    form = {"values": "unit", "layout": "hwc", "colours": "bgr", "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}

    assert oracle(kind="mlflow", input=form).ask(picture).label == 0

    sent = np.array(json.loads(stand_in.seen[0].body)["inputs"][0])
    wanted = (picture.pixels[::-1] / 255 - np.array(form["mean"])[:, None, None]) / np.array(form["std"])[:, None, None]
    np.testing.assert_allclose(sent, wanted.transpose(1, 2, 0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [name for name, service in SERVICES.items() if service.model_fields.get("input")])
def test_the_range_of_values_is_never_guessed(oracle: Opening, kind: str) -> None:
    """Grey levels for a network that wants 0 .. 1 would look like a tampered model."""
    needs = {"kserve-v1": {"model": "m"}, "sagemaker": {"endpoint_name": "e", "region": "r"}}.get(kind, {})

    with pytest.raises(EndpointError, match=r"endpoint\.input(\.values)?: field required"):
        oracle(kind=kind, **needs, **({} if kind in ("mlflow", "kserve-v1", "azure-ml") else {"input": {}}))


@pytest.mark.parametrize("kind", SERVICES)
def test_the_url_is_described_with_its_placeholders(oracle: Opening, kind: str) -> None:
    """Whoever asks about the same model twice is recognised, and no secret is shown."""
    needs = {
        "bentoml": {"method": "classify"},
        "kserve-v1": {"model": "m"},
        "sagemaker": {"endpoint_name": "e", "region": "r", "access_key": "${TOKEN}", "secret_key": "${TOKEN}"},
        "torchserve": {"model": "m"},
    }.get(kind, {})
    if kind in ("azure-ml", "kserve-v1", "mlflow"):
        needs = {**needs, "input": {"values": "grey"}}

    asked = oracle(kind=kind, url="${HOST}/base/", **needs).describe()

    assert asked["kind"] == kind
    assert asked["url"].startswith("${HOST}/base/")
