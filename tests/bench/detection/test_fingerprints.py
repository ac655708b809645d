"""What a fingerprint of the benchmark takes is counted over all calls that it took."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from modelprint.bench.detection import fingerprints
from modelprint.bench.detection.fingerprints import FingerprintRecipe, load_or_make, record_path
from modelprint.bench.detection.plan import PlannedDetection, PlannedFingerprint
from modelprint.bench.plan_file import parse_plan
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


def test_the_name_of_a_fingerprint_is_no_part_of_its_content(tiny_plan: str) -> None:
    """Two plans that call it differently share it; every setting counts."""
    planned = parse_plan(tiny_plan).part(PlannedDetection).fingerprints[1]
    recipe = fingerprints.FingerprintRecipe(planned=planned, seed=7, zoo=())

    key = recipe.key("m", "d")

    assert replace(recipe, planned=replace(planned, name="other")).key("m", "d") == key
    others = [replace(planned, count=9), replace(planned, form="float"), replace(planned, settings={"halvings": 3})]
    keys = {replace(recipe, planned=other).key("m", "d") for other in others}
    keys |= {recipe.key("x", "d"), recipe.key("m", "x"), replace(recipe, seed=8).key("m", "d")}
    keys.add(replace(recipe, zoo=("flip-sign*1",)).key("m", "d"))
    assert len(keys - {key}) == 7
