"""KServe v1 and TensorFlow Serving."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.mark.parametrize(
    ("keys", "path"),
    [({}, "/v1/models/a%20b:predict"), ({"version": 3}, "/v1/models/a%20b/versions/3:predict")],
)
def test_a_question_and_its_answer(
    oracle: Opening, stand_in: Any, picture: Picture, keys: dict[str, object], path: str
) -> None:
    """One instance, channels last if asked for, and a vector of scores."""
    stand_in.says({"predictions": [[0.1, 0.2, 0.7]]})

    answer = oracle(kind="kserve-v1", model="a b", input={"values": "grey", "layout": "hwc"}, **keys).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.method, seen.path, answer.label) == ("POST", path, 2)
    np.testing.assert_array_equal(np.array(seen.json()["instances"]), picture.pixels.transpose(1, 2, 0)[None])
