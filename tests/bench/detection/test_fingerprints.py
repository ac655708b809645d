"""What a fingerprint of the benchmark takes is counted over all calls that it took."""

from pathlib import Path
from typing import Literal

import pytest

from modelprint.bench.detection.fingerprints import FingerprintRecipe, load_or_make, record_path
from modelprint.bench.detection.plan import PlannedFingerprint
from modelprint.cache import VARIABLE
from modelprint.classifier import Classifier
from modelprint.data import DataSet


@pytest.mark.parametrize(
    ("form", "noted", "before"), [("8-bit", "2000.5", 2000.5), ("float", "2000.5", 2000.5), ("float", "no number", 0.0)]
)
def test_the_seconds_of_interrupted_calls_count(
    form: Literal["8-bit", "float"],
    noted: str,
    before: float,
    tiny_model: Classifier,
    split: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an earlier call noted is added; a note that cannot be read counts for nothing."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    planned = PlannedFingerprint(name="one", method="bisection", count=3, profile="exact", form=form)
    recipe = FingerprintRecipe(planned=planned, seed=3, zoo=())
    key = recipe.key(tiny_model.digest(), split.digest)
    unfinished = record_path(key).parents[1] / "unfinished" / key
    unfinished.mkdir(parents=True)
    (unfinished / "seconds").write_text(noted)

    stored = load_or_make(recipe, tiny_model, split)

    assert before < stored.seconds < before + 1000
    assert not unfinished.exists()


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


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt
