"""Methods stand beside each other: what a sample costs, what is lost, and which sees most of each row."""

from typing import Any

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.comparison import Pair, methods, pairs
from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.record import DetectionRecord, FingerprintRecord
from modelprint.bench.detection.results import DetectionResults
from modelprint.bench.detection.score import score
from modelprint.bench.record import RunRecord
from modelprint.pages.grids import Grid


def observed(mismatches: int, fingerprint: str, row: str = "Unlearning", **others: Any) -> Observation:
    """Return an observation of ten samples of which the first `mismatches` differ."""
    plain: dict[str, Any] = {
        "plan": "p",
        "scale": "smoke",
        "target": "digits",
        "row": row,
        "kind": row.lower(),
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
        "method": fingerprint.removesuffix("-float"),
        "form": "float" if fingerprint.endswith("-float") else "8-bit",
        "samples": 10,
    }
    bits = "1" * mismatches + "0" * (10 - mismatches)
    return Observation(key=f"{fingerprint} {row}", fingerprint=fingerprint, mismatched=bits, **(plain | others))


def run_of(*observations: Observation, **facts: dict[str, Any]) -> DetectionResults:
    """Return a run that made these observations."""
    names = dict.fromkeys(one.fingerprint for one in observations)
    return DetectionResults(
        contents=RunContents(record=RunRecord(plan="p", scale="smoke"), lines=observations),
        record=DetectionRecord(fingerprints={name: FingerprintRecord(**facts.get(name, {})) for name in names}),
    )


def texts(grid: Grid) -> list[list[tuple[str, str]]]:
    """Return text and note of every number of a grid; a star where one stands out."""
    return [
        [
            (value.text + "*" * value.strong, value.note + "*" * value.note_strong)
            for value, head in zip(row, grid.head, strict=True)
            if head.number
        ]
        for row in grid.rows
    ]


def test_fingerprints_of_one_method_belong_together() -> None:
    """By their names; one that is there in floats alone has no other half."""
    run = run_of(observed(1, "ssf"), observed(1, "ssf-float"), observed(1, "published", form="float"))

    assert pairs(run, run.order) == [
        Pair(name="ssf", sealed="ssf", floats="ssf-float"),
        Pair(name="published", floats="published"),
    ]


def test_the_best_of_each_form_stands_out() -> None:
    """Row by row and in the means, which come first; where all are equal none is best."""
    run = run_of(
        observed(3, "ssf", "Bit flip"),
        observed(9, "ssf-float", "Bit flip"),
        observed(1, "natural", "Bit flip"),
        observed(9, "natural-float", "Bit flip"),
        observed(2, "ssf"),
        observed(7, "ssf-float"),
        observed(4, "natural"),
    )

    section = methods(run, score(run.observations))

    assert [grid.caption.split(",")[0] for grid in section.grids[1:]] == [
        "Detection rates with N = 1",
        "Detection rates with N = 5",
    ]
    assert [value.text for value in section.grids[1].head] == ["row", "tampering", "batch norm", "ssf", "natural"]
    assert [row[0].text for row in section.grids[1].rows] == ["Mean of all lines", "Bit flip", "Unlearning"]
    assert texts(section.grids[1]) == [
        [("25.0", "80.0"), ("25.0", "90.0*")],
        [("30.0*", "90.0"), ("10.0", "90.0")],
        [("20.0", "70.0"), ("40.0*", "")],
    ]


def test_controls_and_missing_rates_are_no_competition() -> None:
    """False alarms are no detection; a method that was not asked, or whose suspects missed their goal, has no rate."""
    run = run_of(
        observed(9, "a", "Control", control=True),
        observed(9, "b", "Control", control=True),
        observed(2, "a"),
        observed(5, "b", goal_reached=False),
    )

    section = methods(run, score(run.observations))

    assert texts(section.grids[1]) == [[("20.0", ""), ("-", "")], [("20.0", ""), ("-", "")]]


def test_a_sample_has_its_cost_and_its_losses() -> None:
    """Seconds for each that was kept; shares of those crafted; what is not recorded is left open."""
    facts = {
        "method": "ssf",
        "form": "8-bit",
        "samples": 10,
        "crafted": 40,
        "given_up": 4,
        "lost_rounding": 10,
        "lost_steadiness": 16,
        "kept": 10,
        "median_l2": 0.314,
        "median_confidence": 0.512,
        "seconds": 25.0,
    }
    run = run_of(observed(1, "ssf"), observed(1, "other"), ssf=facts)

    (costs, *_) = methods(run, score(run.observations)).grids

    assert [value.text for value in costs.rows[0]] == [
        *("ssf", "ssf", "8-bit", "2.5", "40", "10.0", "25.0", "40.0", "10", "0.31", "0.512")
    ]
    assert [value.text for value in costs.rows[1]] == ["other", *["-"] * 10]


def test_one_fingerprint_has_none_to_be_compared_with() -> None:
    """Its cost is all there is to say; without any there is not even that."""
    run = run_of(observed(1, "ssf"))

    assert len(methods(run, score(run.observations)).grids) == 1
    assert methods(run_of(), score([])).text == ("No fingerprint was made yet.",)
