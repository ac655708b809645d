"""Verdicts of a run follow from its observations and from the error rates in its record."""

from collections.abc import Callable

import pytest

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.observation import OWN, OwnershipObservation
from modelprint.bench.ownership.results import group, read_results
from modelprint.bench.record import RunRecord
from modelprint.ownership import Claim

Found = Callable[..., OwnershipObservation]


def contents(*lines: OwnershipObservation, alpha: float = 0.5) -> RunContents:
    """Return the contents of a run with these observations."""
    record = RunRecord(plan="p", scale="smoke", studies={"ownership": {"alpha": alpha, "beta": 0.5}})
    return RunContents(record=record, lines=lines)


def test_the_judge_has_the_rates_of_the_record(found: Found) -> None:
    """A copy above the only other model is claimed at a half; at a tenth there are too few references."""
    lines = [found("extract-labels", 0.9), found("extract-labels", 0.8, seed=2), found("homologous-0", 0.1)]
    lines.append(found("homologous-0", 0.2, seed=2))

    results = read_results(contents(*lines))
    strict = read_results(contents(*lines, alpha=0.1))

    assert (results.judge.alpha, results.judge.beta) == (0.5, 0.5)
    assert results.verdicts(OWN)[lines[0].key].outcome == Claim.COPY
    assert strict.verdicts(OWN) == {}


def test_a_damaged_part_of_the_record_is_refused() -> None:
    """By its first entry that is wrong."""
    record = RunRecord(plan="p", scale="smoke", studies={"ownership": {"alpha": "small"}})

    with pytest.raises(ValueError, match=r"^alpha: "):
        read_results(RunContents(record=record))


def test_groups_keep_their_order(found: Found) -> None:
    """That of the first observation of each."""
    lines = [found("none", 0.9), found("homologous-0", 0.1), found("none", 0.9, seed=2)]

    assert {name: len(some) for name, some in group(lines, lambda one: one.kind).items()} == {
        "none": 2,
        "homologous-0": 1,
    }
