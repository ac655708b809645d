"""Seconds of interrupted work are counted."""

from pathlib import Path

import pytest

from modelprint.bench.detection.fingerprints import FingerprintRecipe, load_or_make, record_path
from modelprint.bench.detection.plan import PlannedFingerprint
from modelprint.cache import VARIABLE
from modelprint.classifier import Classifier
from modelprint.data import DataSet


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_seconds_are_noted_while_the_work_goes_on(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is stopped leaves a note of the seconds behind."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr("modelprint.bench.stopwatch.NOTE_EVERY_S", 0.0)
    monkeypatch.setattr("modelprint.bench.detection.fingerprints._orders", _stopped)
    recipe = FingerprintRecipe(
        planned=PlannedFingerprint(name="one", method="bisection", count=3, profile="exact"), seed=3, zoo=()
    )
    key = recipe.key(tiny_model.digest(), split.digest)

    with pytest.raises(KeyboardInterrupt):
        load_or_make(recipe, tiny_model, split)

    assert float((record_path(key).parents[1] / "unfinished" / key / "seconds").read_text()) > 0
