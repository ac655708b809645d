"""LitServe."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """Base64 text under the usual name."""
    stand_in.says({"label": "owl"})

    answer = oracle(kind="litserve").ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, answer.label) == ("/predict", 2)
    assert base64.b64decode(str(seen.json()["image_bytes"])) == picture.png


def test_names_and_numbers_are_those_of_the_author(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """Another path, another key, numbers, and a vector of scores under any name."""
    stand_in.says({"output": [0.1, 0.7, 0.2]})

    answer = oracle(kind="litserve", path="/classify", field="x", input={"values": "unit"}).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, answer.label) == ("/classify", 1)
    np.testing.assert_allclose(np.array(seen.json()["x"]), picture.pixels / 255, atol=1e-7)
