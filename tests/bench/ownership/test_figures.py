"""Figures on ownership are there where there is something to draw."""

from collections.abc import Callable

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.figures import drawings
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.record import RunRecord

Found = Callable[..., OwnershipObservation]


def results(*lines: OwnershipObservation) -> OwnershipResults:
    """Return the results of a run with these observations."""
    return OwnershipResults(contents=RunContents(record=RunRecord(plan="p", scale="smoke"), lines=lines))


def test_each_figure_needs_its_observations(found: Found) -> None:
    """Similarities and border points of two models; maps need eight points, the curve two overlaps."""
    few = drawings(results(found("extract-labels", 0.9), found("homologous-0", 0.1)))
    overlap = [found("homologous-0", 0.2 + share / 2, settings={"overlap": share}) for share in (0.0, 0.5, 0.9)]

    assert [drawing.name for drawing in few] == ["ownership", "border"]
    assert [drawing.name for drawing in drawings(results(*overlap))] == ["ownership", "models", "overlaps", "border"]
    assert drawings(results()) == []


def test_a_figure_is_drawn(found: Found) -> None:
    """With the families along its axis."""
    (similarities, _) = drawings(results(found("extract-labels", 0.9), found("homologous-0", 0.1)))

    svg = similarities.svg()

    assert svg.startswith("<svg") and "extracted" in svg and "similarity to the victim" in svg
