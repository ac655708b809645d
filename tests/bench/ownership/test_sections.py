"""Sections about copies and verdicts, on observations made by hand."""

from collections.abc import Callable

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.record import OwnershipRecord
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.ownership.sections import decisions, separations
from modelprint.bench.record import RunRecord
from modelprint.pages.grids import Section

Found = Callable[..., OwnershipObservation]


def results(*lines: OwnershipObservation) -> OwnershipResults:
    """Return the results of a run with these observations."""
    contents = RunContents(record=RunRecord(plan="p", scale="smoke"), lines=lines)
    return OwnershipResults(contents=contents, record=OwnershipRecord(alpha=0.5, beta=0.5))


def rows(section: Section | None) -> list[list[str]]:
    """Return the texts of the only grid of a section."""
    assert section is not None
    (grid,) = section.grids
    return [[value.text for value in row] for row in grid.rows]


def test_copies_stand_beside_unrelated_models(found: Found) -> None:
    """By each comparison; a gap of 0.6 by the encoder, of half that without."""
    run = results(found("extract-labels", 0.9), found("homologous-0", 0.3))

    assert rows(separations(run)) == [
        ["encoder", "extracted", "0.90", "0.30", "0.60", "0.90", "0.30", "1.000"],
        ["encoder", "derived and extracted", "0.90", "0.30", "0.60", "0.90", "0.30", "1.000"],
        ["no encoder", "extracted", "0.45", "0.15", "0.30", "0.45", "0.15", "1.000"],
        ["no encoder", "derived and extracted", "0.45", "0.15", "0.30", "0.45", "0.15", "1.000"],
    ]
    assert separations(results()) is None


def test_verdicts_are_counted_by_family(found: Found) -> None:
    """One copy of two is above both unrelated models; without references a sentence says why there are none."""
    copies = [found("extract-labels", 0.9), found("extract-labels", 0.15, seed=2)]
    others = [found("homologous-0", 0.1), found("homologous-0", 0.2, seed=2)]

    by_encoder = [row[1:3] for row in rows(decisions(results(*copies, *others))) if row[0] == "encoder"]
    section = decisions(results(*copies))

    assert by_encoder == [["extracted", "2"], ["unrelated", "2"]]
    assert section is not None and section.grids == ()
    assert any(text.startswith("There are no verdicts: ") for text in section.text)
