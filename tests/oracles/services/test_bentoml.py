"""BentoML."""

from collections.abc import Callable
from typing import Any

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """The method in the path, its parameter in the form, and what it returns."""
    stand_in.says([{"label": "owl", "score": 0.9}])

    answer = oracle(kind="bentoml", method="classify", field="images").ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, answer.label) == ("/classify", 2)
    assert b'name="images"; filename="image.png"' in seen.body
    assert picture.png in seen.body
