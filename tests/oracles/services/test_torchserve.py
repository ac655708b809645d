"""TorchServe and DJL."""

from collections.abc import Callable
from typing import Any

import pytest

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.mark.parametrize(
    ("keys", "path", "reply"),
    [
        ({}, "/predictions/m", {"owl": 0.51, "cat": 0.49}),
        ({"version": "1.0"}, "/predictions/m/1.0", [{"className": "owl", "probability": 0.51}]),
    ],
)
def test_a_question_and_its_answer(
    oracle: Opening, stand_in: Any, picture: Picture, keys: dict[str, object], path: str, reply: object
) -> None:
    """A form with the file; an object from label to probability, or a list of classes."""
    stand_in.says(reply)

    answer = oracle(kind="torchserve", model="m", **keys).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, answer.label) == (path, 2)
    assert picture.png in seen.body
    assert b'name="data"; filename="image.png"' in seen.body
