"""A generator is trained once and found in the cache."""

import json
from pathlib import Path
from typing import Any


def test_a_trained_generator_is_found_again(world: Path, command: Any) -> None:
    """The second time nothing is trained; the record says where it is and how well it does."""
    line = ["train-generator", "--data", "cifar10", "--set", "epochs=1", "--set", "width=8", "--seed", 3]

    first = json.loads(command(*line, "--json").out)
    stamp = Path(first["file"]).stat().st_mtime_ns
    again = command(*line)

    assert first["latent_shape"] == [8, 8, 8]
    assert first["settings"]["epochs"] == 1
    assert first["error"] > 0
    assert Path(first["file"]).stat().st_mtime_ns == stamp
    assert first["file"] in again.out
    assert command("train-generator", "--data", "cifar10", "--generator", "magic").code == 2
