"""The study of detection counts its lines row by row."""

from dataclasses import asdict

from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.study import DetectionStudy
from modelprint.bench.plan import Plan, PlannedRow
from modelprint.bench.plan_file import parse_plan


def observed(plan: Plan, row: PlannedRow, seed: int, fingerprint: str, *, reached: bool = True) -> Observation:
    """Return an observation of a suspect of a row."""
    return Observation(
        key=f"{row.kind}-{seed}-{fingerprint}",
        plan=plan.name,
        scale="laptop",
        target=plan.target,
        row=row.row,
        kind=row.kind,
        seed=seed,
        settings=asdict(row.build()),  # type: ignore[call-overload]
        batch_norm="",
        control=row.control,
        goal="",
        goal_value=None,
        goal_reached=reached,
        steps=0,
        notes="",
        movement={},
        fingerprint=fingerprint,
        method="natural",
        form="8-bit",
        samples=1,
        mismatched="0",
        reference=row.reference,
    )


def test_lines_of_the_plan_are_counted(tiny_plan: str) -> None:
    """Those of other seeds, fingerprints and references are not; a suspect that missed its goal is named once."""
    plan = parse_plan(tiny_plan)
    flips = plan.suspects[1]
    lines = [observed(plan, flips, 1, name, reached=False) for name in ("natural", "bisection")]
    lines += [observed(plan, flips, 2, "natural"), observed(plan, flips, 9, "natural"), observed(plan, flips, 2, "x")]

    count = DetectionStudy().count_lines(plan, flips, lines)
    other = DetectionStudy().count_lines(plan, plan.suspects[2], lines)

    assert (count.planned, count.found) == (6, 3)
    assert [suspect.seed for suspect in count.missed] == [1]
    assert (other.planned, other.found) == (3, 0)
