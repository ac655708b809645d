"""Detection by output form: a table for each line, beside the paper's where it is about the same data."""

from typing import Any

import pytest

from modelprint.bench.by_output import forms_of, outputs
from modelprint.bench.observation import Observation
from modelprint.bench.reading import Run
from modelprint.bench.score import score


def told(mismatches: int, ranked: int | None, row: str = "Error-specific poisoning", **others: Any) -> Observation:
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


def run_of(*observations: Observation, forms: Any = ("top-3", "p-dec-2"), bags: Any = (), data: str = "gtsrb") -> Run:
    """Return a run whose plan asks for these forms."""
    return Run(
        protocol={
            "outputs": list(forms),
            "fingerprints": {"ssf": {"bags": list(bags)}},
            "target": {"data": data},
        },
        rows=(),
        observations=observations,
        timings=(),
        remarks={},
        fingerprints={},
        problems=(),
    )


def rates(run: Run) -> dict[tuple[str, ...], list[str]]:
    """Return the rates of the only table of a run by fingerprint, selection and number of samples."""
    section = outputs(run, score(run.observations, (1, 2), outputs=run.outputs, bags=run.bags))
    assert section is not None
    (grid,) = section.grids
    return {tuple(value.text for value in row[:3]): [value.text for value in row[3:]] for row in grid.rows}


def test_forms_and_numbers_of_samples_are_those_of_the_plan() -> None:
    """The label comes first, whether the plan names it or not; a form that was not observed has no rate."""
    assert rates(run_of(told(5, 8), data="mnist")) == {
        ("ssf", "random", "1"): ["50.0", "80.0", "-"],
        ("ssf", "random", "2"): ["77.8", "97.8", "-"],
    }
    assert forms_of(run_of(forms=["p-dec-2", "top-3"])) == ("top-1", "top-3", "p-dec-2")


def test_the_papers_numbers_stand_below_ours() -> None:
    """Where row and data are the same, with all its numbers of samples."""
    found = rates(run_of(told(5, 8)))

    assert found["paper: SSF", "manc", "1"] == ["97.9", "100.0", "100.0"]
    assert len(found) == 2 + 6


def test_bags_are_a_selection_of_their_own() -> None:
    """The first of the two bags asks a sample that sees nothing, then one that does."""
    found = rates(run_of(told(5, 8), bags=["9 0", "0 1"], data="mnist"))

    assert found["ssf", "manc-bags", "1"] == ["50.0", "50.0", "-"]
    assert found["ssf", "manc-bags", "2"] == ["100.0", "100.0", "-"]


@pytest.mark.parametrize("forms", [[], ["top-1"], "top-3", ["top-9"]])
def test_a_plan_that_asks_for_the_label_alone_has_no_such_section(forms: Any) -> None:
    """Nor has one whose protocol is damaged."""
    run = run_of(told(5, 8), forms=forms if isinstance(forms, list) else ["top-1"])

    assert outputs(run, score(run.observations, outputs=run.outputs)) is None


def test_old_observations_are_told_to_be_made_anew() -> None:
    """They know labels alone."""
    run = run_of(told(5, None))

    section = outputs(run, score(run.observations, outputs=run.outputs))

    assert section is not None
    assert section.grids == ()
    assert section.text[-1] == "No observation has these forms yet: run the plan again."


def test_controls_are_shown_as_such() -> None:
    """What a form of answers sees of a classifier in which nothing was changed is a false alarm."""
    run = run_of(told(0, 1, "Nothing changed", control=True))

    section = outputs(run, score(run.observations, outputs=run.outputs))

    assert section is not None
    assert "nothing changed" in section.grids[0].caption
