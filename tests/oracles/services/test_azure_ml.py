"""Azure Machine Learning."""

from collections.abc import Callable
from typing import Any

import numpy as np

from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """The scoring URI as it is, `input_data`, and bare predictions; the deployment that answered is a hint."""
    stand_in.sends(b"[[0.1, 0.2, 0.7]]", content_type="application/json", azureml_model_deployment="blue")

    answer = oracle(
        kind="azure-ml",
        url=f"{stand_in.url}/score",
        headers={"Authorization": "Bearer ${TOKEN}"},
        input={"values": "grey"},
    ).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, answer.label) == ("/score", 2)
    assert seen.headers["authorization"] == "Bearer s3cret-t0ken"
    assert answer.server["azureml-model-deployment"] == "blue"
    np.testing.assert_array_equal(np.array(seen.json()["input_data"]), picture.pixels[None])
