"""A suspect from the command line."""

import json
from pathlib import Path
from typing import Any

from modelprint.loading import RECORD, read_weights

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors", "--data", "cifar10")


def test_the_suspect_is_written_with_its_record(command: Any, world: Path) -> None:
    """The text has a line for each number; the JSON is the record in the file."""
    line = ("tamper", *NAMED, "--kind", "flip-sign", "--seed", 3, "--output", "flipped.safetensors")

    told = command(*line)
    as_json = command(*line, "--force", "--json")

    assert (told.code, as_json.code) == (0, 0), told.err
    heads = ["suspect", "goal", "parameters", "logits", "labels", "accuracy", "written"]
    assert [row.split()[0] for row in told.out.splitlines()] == heads
    assert told.out.startswith("suspect      flip-sign, seed 3, 0 steps; ")
    printed = json.loads(as_json.out)
    assert printed.pop("file") == "flipped.safetensors"
    recorded = json.loads(read_weights(world / "flipped.safetensors")[1][RECORD])
    assert printed == recorded


def test_a_setting_is_changed_and_a_file_is_not_replaced(command: Any, world: Path) -> None:
    """The second call needs --force, and nothing of the first is lost."""
    line = ("tamper", *NAMED, "--kind", "weight-noise", "--set", "share=0.5", "--output", "noisy.safetensors", "--json")

    assert json.loads(command(*line).out)["settings"]["share"] == 0.5
    before = (world / "noisy.safetensors").read_bytes()
    again = command(*line)

    assert (again.code, again.out) == (2, "")
    assert "noisy.safetensors exists already" in again.err
    assert (world / "noisy.safetensors").read_bytes() == before
