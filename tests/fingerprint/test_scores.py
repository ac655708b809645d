"""Sealed scores are refused when they make no sense, and read again as they were written."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.scores import CLASS_LIMIT, ExpectedScores, ScoreRecord, classes_to_keep

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
GOLDEN = Path(__file__).parents[1] / "golden" / "format-3-scores.mprint"
HALVES = ExpectedScores(logs=(math.log(0.5), math.log(0.25), math.log(0.25)))
FIRST = ExpectedScores(logs=(math.log(0.5), math.log(0.25)), classes=(2, 0), rest=0.25)


def record(count: int = 5, one: ExpectedScores = HALVES) -> ScoreRecord:
    """Return the scores of so many equal samples."""
    return ScoreRecord(
        floor=1e-5,
        differ_rate=0.01,
        samples=(one,) * count,
        answers=300,
        variants={"float32, batch 1": 1e-5},
        null=(0.1, 0.2),
        controls=(one,) * 2,
    )


@pytest.mark.parametrize("one", [HALVES, FIRST])
def test_scores_are_read_as_they_were_written(
    one: ExpectedScores, with_blocks: Callable[[], Fingerprint], tmp_path: Path
) -> None:
    """Of all classes, and of the most probable ones."""
    made = replace(with_blocks(), scores=record(one=one))

    made.save(tmp_path / "s.mprint")

    assert Fingerprint.load(tmp_path / "s.mprint") == made
    assert made.format == 3
    assert "noise floor 1e-05" in made.summary()


def test_the_first_file_with_scores_is_still_read(with_blocks: Callable[[], Fingerprint]) -> None:
    """It was saved from these very scores, by `save`."""
    assert Fingerprint.load(GOLDEN) == replace(with_blocks(), scores=record(one=FIRST))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"logs": (0.0,)}, "a picture has 2 to"),
        ({"logs": (math.log(0.5),) * 2 + (math.nan,)}, "a log-probability is a finite number"),
        ({"logs": (math.log(0.5), 0.5)}, "a log-probability is a finite number, at most 0"),
        ({"logs": (math.log(0.5), math.log(0.4))}, "add up to 0.9, expected 1"),
        ({"logs": FIRST.logs, "rest": 0.25}, "rest is the probability of the classes left out"),
        ({"logs": FIRST.logs, "classes": (1, 1), "rest": 0.25}, "each class once"),
        ({"logs": FIRST.logs, "classes": (1,), "rest": 0.25}, "each class once"),
        ({"logs": FIRST.logs, "classes": (1, -2), "rest": 0.25}, "cannot be negative, got -2"),
    ],
)
def test_scores_of_a_picture_are_log_probabilities(arguments: dict[str, Any], expected: str) -> None:
    """Finite, at most 0, of different classes, and 1 in sum."""
    with pytest.raises(ValueError, match=expected):
        ExpectedScores(**arguments)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"floor": 0.0}, "floor is at least 1e-07"),
        ({"multiple": 0.5}, "multiple is a number of floors"),
        ({"differ_rate": 0.0}, "differ_rate is a probability"),
        ({"answers": -1}, "answers is a count"),
        ({"variants": {"a": math.inf}}, "variants has finite numbers"),
        ({"null": (-1.0,)}, "null has finite numbers"),
        ({"null": (1.0,) * 10_001}, "null has at most"),
        ({"samples": (HALVES,) * 70_000}, "a file has at most 200000 log-probabilities"),
    ],
)
def test_a_record_checks_its_numbers(change: dict[str, Any], expected: str) -> None:
    """Each has a range."""
    with pytest.raises(ValueError, match=expected):
        replace(record(), **change)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (record(4), "4 samples and 2 controls have scores, but there are 5 and 2"),
        (replace(record(), controls=(HALVES,)), "5 samples and 1 controls have scores"),
        (record(one=ExpectedScores(logs=(math.log(0.5),) * 2)), "all 2 classes, but there are 3 class names"),
        (record(one=replace(FIRST, classes=(3, 0))), "there is no class 3, only 3 class names"),
    ],
)
def test_scores_fit_the_samples(scores: ScoreRecord, expected: str, with_blocks: Callable[[], Fingerprint]) -> None:
    """One for each sample and control, of classes that there are."""
    with pytest.raises(ValueError, match=expected):
        replace(with_blocks(), scores=scores)


def test_large_files_keep_fewer_classes() -> None:
    """All of ten, a hundred of a thousand, and what fits of ten thousand samples."""
    assert classes_to_keep(10, 100) == 10
    assert classes_to_keep(1000, 100) == CLASS_LIMIT
    assert classes_to_keep(1000, 10_000) == 20
