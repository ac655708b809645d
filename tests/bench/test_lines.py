"""Lines that can be read are read; others are reported."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelprint.bench.detection.observation import Observation, read_observations, salvage
from modelprint.errors import BenchError

ONE = Observation(
    key="a" * 20,
    plan="tiny",
    scale="laptop",
    target="digits",
    row="Pruning",
    kind="prune-20",
    seed=0,
    settings={"share": 0.2, "layers": ("a",)},
    batch_norm="",
    control=False,
    goal="",
    goal_value=None,
    goal_reached=True,
    steps=0,
    notes="",
    movement={"parameters": 0.1 + 0.2},
    fingerprint="natural",
    method="natural",
    form="8-bit",
    samples=3,
    mismatched="010",
    outputs={"top-3": "011"},
    orders={"manc": [2, 0, 1]},
)


def test_a_line_without_its_end_is_left_out(tmp_path: Path) -> None:
    """A killed run leaves it behind; a line that is damaged otherwise is told."""
    path = tmp_path / "observations.jsonl"
    other = replace(ONE, key="b" * 20)
    path.write_text(ONE.to_line() + "garbage\n" + other.to_line() + other.to_line()[:40])

    found, problems = salvage(path)

    assert [one.key for one in found] == [ONE.key, other.key]
    assert len(problems) == 1 and problems[0].startswith(f"{path}, line 2: ")
    with pytest.raises(BenchError, match=r"line 2: .*; run the plan again"):
        read_observations(path)
