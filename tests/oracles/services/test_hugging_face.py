"""Hugging Face."""

from collections.abc import Callable
from typing import Any

import pytest

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]
SCORED = [{"label": "owl", "score": 0.51}, {"label": "cat", "score": 0.49}]


@pytest.mark.parametrize("reply", [SCORED, [SCORED]])
def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture, reply: object) -> None:
    """The bare file; some servers put the answer into one more list."""
    stand_in.says(reply)

    answer = oracle(kind="hugging-face", url=f"{stand_in.url}/m").ask(picture)

    assert (stand_in.seen[0].body, stand_in.seen[0].headers["content-type"]) == (picture.png, "image/png")
    assert (answer.label, answer.ranking) == (2, ((2, 0.51), (0, 0.49)))


def test_a_cold_model_is_waited_for(
    oracle: Opening, stand_in: Any, reply: Any, picture: Picture, patience: Any
) -> None:
    """It answers 503 while it loads."""
    loading = reply({"error": "Model is loading", "estimated_time": 20.0}, 503)
    stand_in.replies = [lambda _: loading, lambda _: reply(SCORED)]

    assert oracle(kind="hugging-face").ask(picture).label == 2
    assert len(patience.waits) == 1
