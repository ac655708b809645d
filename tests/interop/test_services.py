"""The named services against the real servers: the label of every picture is the one that the model gives it."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelprint.oracles.endpoint import open_oracle, parse_endpoint
from modelprint.pixels import Picture

Serve = Callable[..., str]
PICTURES = 20

SERVERS: dict[str, tuple[Sequence[str], str]] = {
    "bentoml": (["bentoml==1.4.39", "numpy", "pillow"], "/readyz"),
    "kserve": (["kserve==0.21.0", "protobuf<7", "pandas<3"], "/v2/health/live"),
    "litserve": (["litserve==0.2.19", "numpy", "pillow"], "/health"),
    "mlflow": (["mlflow==3.17.0", "pyarrow<26"], "/ping"),
    "mlserver": (["mlserver==1.7.1"], "/v2/health/ready"),
}
"""What each server is installed from, and where it says that it is ready."""


def load_linear() -> Any:
    """Return the module of the model that every server holds."""
    path = Path(__file__).parent / "servers" / "linear.py"
    spec = importlib.util.spec_from_file_location("linear", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.interop
@pytest.mark.parametrize(
    ("server", "keys"),
    [
        ("bentoml", {"kind": "bentoml", "method": "classify"}),
        ("kserve", {"kind": "kserve-v1", "model": "linear", "input": {"values": "grey"}}),
        ("kserve", {"kind": "open-inference", "model": "linear", "input": "pixels"}),
        ("litserve", {"kind": "litserve"}),
        ("mlflow", {"kind": "mlflow", "input": {"values": "grey"}}),
        ("mlserver", {"kind": "open-inference", "model": "linear", "input": "pixels"}),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else value,
)
def test_a_real_server_is_asked(serve: Serve, server: str, keys: Mapping[str, object]) -> None:
    """With a description of four lines at most."""
    linear = load_linear()
    requirements, ready = SERVERS[server]
    url = serve(server, requirements, ready)
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, *linear.SHAPE), dtype=np.uint8)

    oracle = open_oracle(parse_endpoint({"endpoint": {"url": url, **keys}}), linear.CLASSES)
    answers = [oracle.ask(Picture.of(one)) for one in pixels]

    assert [answer.problem for answer in answers] == [None] * PICTURES
    assert [answer.label for answer in answers] == [int(np.argmax(linear.score(one))) for one in pixels]
