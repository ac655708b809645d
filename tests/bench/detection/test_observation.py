"""Observations: one line each, the same bytes whoever writes them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from modelprint.bench.detection.observation import Observation, read_line, read_observations, salvage
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


def test_a_line_comes_back_as_it_was() -> None:
    """To the last bit of every number, keys in order, a tuple as the list that JSON knows."""
    line = ONE.to_line()

    assert list(json.loads(line)) == sorted(json.loads(line))
    assert read_line(line) == replace(ONE, settings={"share": 0.2, "layers": ["a"]})
    assert read_line(line).to_line() == line


@pytest.mark.parametrize("bits", ["01", "0101", "01x"])
def test_there_is_one_character_per_sample(bits: str) -> None:
    """Zero or one, in every form of answers."""
    with pytest.raises(ValueError, match="mismatched is one 0 or 1 for each of 3 samples"):
        replace(ONE, mismatched=bits)
    with pytest.raises(ValueError, match="top-3 is one 0 or 1 for each of 3 samples"):
        replace(ONE, outputs={"top-3": bits})


def test_each_form_of_answers_has_its_bits() -> None:
    """The label's are the mismatches; a form that was not looked at has none."""
    assert (ONE.bits(), ONE.bits("top-1"), ONE.bits("top-3"), ONE.bits("p-dec-2")) == ("010", "010", "011", None)


def test_lines_of_old_runs_are_read() -> None:
    """They know labels alone."""
    record = json.loads(ONE.to_line())
    del record["outputs"]

    assert read_line(json.dumps(record)) == replace(ONE, outputs={}, settings={"share": 0.2, "layers": ["a"]})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{", "EOF"),
        ("[]", "object"),
        (ONE.to_line().replace('"seed": 0', '"seed": "0"'), "seed: Input should be a valid integer"),
        (ONE.to_line().replace('"seed": 0', '"seed": 0, "more": 1'), "more: Unexpected keyword argument"),
        (ONE.to_line().replace('"010"', '"01"'), "one 0 or 1 for each of 3 samples"),
    ],
)
def test_what_is_no_observation_is_refused(wrong: str, said: str) -> None:
    """With the key that is wrong."""
    with pytest.raises(ValueError, match=said):
        read_line(wrong)


def test_observations_are_read(tmp_path: Path) -> None:
    """All of them, or an error that says where there are none."""
    path = tmp_path / "observations.jsonl"
    with pytest.raises(BenchError, match="there are no observations at"):
        read_observations(path)
    path.write_text(ONE.to_line())

    assert [one.key for one in read_observations(path)] == [ONE.key]
    assert salvage(tmp_path / "missing") == ([], [])
