"""Detection by output form: a table for each line, beside the paper's where it is about the same data."""

from typing import Any

import pytest

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.by_output import forms_of, outputs
from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.record import DetectionRecord, FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.score import score
from modelprint.bench.record import RunRecord, TargetRecord


def observed(mismatches: int, ranked: int | None, row: str = "Error-specific poisoning", **others: Any) -> Observation:
    """Return what ten samples see by the label and, unless the line is old, by the first three labels."""
    plain: dict[str, Any] = {
        "plan": "p",
        "scale": "smoke",
        "target": "gtsrb-cnn6",
        "kind": "poison-specific",
        "seed": 1,
        "settings": {},
        "batch_norm": "",
        "control": False,
        "goal": "",
        "goal_value": None,
        "goal_reached": True,
        "steps": 1,
        "notes": "",
        "movement": {},
        "fingerprint": "ssf",
        "method": "ssf",
        "form": "8-bit",
        "samples": 10,
        "outputs": {} if ranked is None else {"top-3": "1" * ranked + "0" * (10 - ranked)},
    }
    bits = "1" * mismatches + "0" * (10 - mismatches)
    return Observation(key=row, row=row, mismatched=bits, **(plain | others))


def run_of(
    *observations: Observation, forms: Any = ("top-3", "p-dec-2"), subsets: Any = (), data: str = "gtsrb"
) -> DetectionResults:
    """Return a run whose plan asks for these forms."""
    record = RunRecord(plan="p", scale="smoke", target=TargetRecord(data=data))
    made = {"ssf": FingerprintRecord(random_subsets=tuple(subsets))}
    return DetectionResults(
        contents=RunContents(record=record, lines=observations),
        record=DetectionRecord(outputs=tuple(forms), fingerprints=made),
    )


def rates(run: DetectionResults) -> dict[tuple[str, ...], list[str]]:
    """Return the rates of the only table of a run by fingerprint, selection and number of samples."""
    section = outputs(run, score(run.observations, (1, 2), outputs=run.outputs, subsets=run.random_subsets))
    assert section is not None
    (grid,) = section.grids
    return {tuple(value.text for value in row[:3]): [value.text for value in row[3:]] for row in grid.rows}


def test_forms_and_numbers_of_samples_are_those_of_the_plan() -> None:
    """The label comes first, whether the plan names it or not; a form that was not observed has no rate."""
    assert rates(run_of(observed(5, 8), data="mnist")) == {
        ("ssf", "random", "1"): ["50.0", "80.0", "-"],
        ("ssf", "random", "2"): ["77.8", "97.8", "-"],
    }
    assert forms_of(run_of(forms=["p-dec-2", "top-3"])) == ("top-1", "top-3", "p-dec-2")


def test_the_papers_numbers_stand_below_ours() -> None:
    """Where row and data are the same, with all its numbers of samples."""
    found = rates(run_of(observed(5, 8)))

    assert found["paper: SSF", "manc", "1"] == ["97.9", "100.0", "100.0"]
    assert len(found) == 2 + 6


def test_random_subsets_are_a_selection_of_their_own() -> None:
    """The first of the two subsets asks a sample that sees nothing, then one that does."""
    found = rates(run_of(observed(5, 8), subsets=["9 0", "0 1"], data="mnist"))

    assert found["ssf", "manc-bags", "1"] == ["50.0", "50.0", "-"]
    assert found["ssf", "manc-bags", "2"] == ["100.0", "100.0", "-"]


@pytest.mark.parametrize("forms", [[], ["top-1"], ["top-9"]])
def test_a_plan_that_asks_for_the_label_alone_has_no_such_section(forms: Any) -> None:
    """Nor has one that asks for forms that are not known."""
    run = run_of(observed(5, 8), forms=forms)

    assert outputs(run, score(run.observations, outputs=run.outputs)) is None


def test_old_observations_have_to_be_made_again() -> None:
    """They know labels alone."""
    run = run_of(observed(5, None))

    section = outputs(run, score(run.observations, outputs=run.outputs))

    assert section is not None
    assert section.grids == ()
    assert section.text[-1] == "No observation has these forms yet: run the plan again."


def test_controls_are_shown_as_such() -> None:
    """What a form of answers sees of a classifier in which nothing was changed is a false alarm."""
    run = run_of(observed(0, 1, "Nothing changed", control=True))

    section = outputs(run, score(run.observations, outputs=run.outputs))

    assert section is not None
    assert "nothing changed" in section.grids[0].caption
