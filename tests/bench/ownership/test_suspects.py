"""Sections about the suspects themselves: overlap, border points, all models."""

from collections.abc import Callable

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.ownership.suspects import border, models, overlaps
from modelprint.bench.record import RunRecord

Found = Callable[..., OwnershipObservation]


def results(*lines: OwnershipObservation) -> OwnershipResults:
    """Return the results of a run with these observations."""
    return OwnershipResults(contents=RunContents(record=RunRecord(plan="p", scale="smoke"), lines=lines))


def test_border_points_are_shown_by_family(found: Found) -> None:
    """Half of the gaps, 0 and 0.5, is below a tenth."""
    section = border(results(found("homologous-0", 0.1), found("none", 0.9, gaps=[0.0, 0.0])))

    assert section is not None
    assert [[value.text for value in row] for row in section.grids[0].rows] == [
        ["victim", "1", "2", "0", "0", "0", "100.0"],
        ["unrelated", "1", "2", "0", "0.25", "0.5", "50.0"],
    ]
    assert border(results(found("none", 0.9, gaps=[]))) is None


def test_each_kind_of_suspect_has_a_row(found: Found) -> None:
    """With its number of models, and how many of them encoders were trained on."""
    section = models(results(found("homologous-0", 0.1), found("homologous-0", 0.3, seed=2, in_training=True)))

    assert section is not None
    ((name, kind, family, count, *_),) = section.grids[0].rows
    assert (name.text, kind.text, family.text) == ("homologous-0", "homologous-0 (-)", "unrelated")
    assert (count.text, count.note) == ("2", "1 in training")
    assert models(results()) is None


def test_overlaps_need_two_shares(found: Found) -> None:
    """One has no curve."""
    some = [found("homologous-0", 0.2 + share, settings={"overlap": share}) for share in (0.0, 0.5)]

    section = overlaps(results(*some))

    assert section is not None
    assert [row[0].text for row in section.grids[0].rows] == ["0 %", "50 %"]
    assert overlaps(results(some[0])) is None
