"""What a report says about ownership: sections and figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership import examples, sections, suspects
from modelprint.bench.ownership.figures import drawings
from modelprint.bench.ownership.results import OwnershipResults, read_results
from modelprint.bench.study import Setup
from modelprint.pages.figures import Drawing
from modelprint.pages.grids import Section
from modelprint.pages.sections import Figure, GallerySample

SECTIONS: tuple[Callable[[OwnershipResults], Section | None], ...] = (
    sections.separations,
    sections.decisions,
    suspects.overlaps,
    suspects.border,
    examples.examples,
    examples.questions,
    suspects.models,
)


@dataclass(frozen=True)
class OwnershipReport:
    """What a report says about ownership.

    Attributes:
        results: Of the run.
    """

    results: OwnershipResults
    problems: tuple[str, ...] = ()
    setup: Setup = Setup()  # noqa: RUF009 - it is frozen

    def sections(self) -> Sequence[Section]:
        """Return the sections that have something to say."""
        return [section for build in SECTIONS if (section := build(self.results)) is not None]

    def tiles(self) -> list[tuple[str, str]]:
        """Return no numbers to see first."""
        return []

    def figures(self) -> dict[str, Figure]:
        """Return no figures of the page alone."""
        return {}

    def drawings(self) -> list[Drawing]:
        """Return the figures that there are observations for."""
        return drawings(self.results)

    def galleries(self) -> dict[str, list[GallerySample]]:
        """Return no samples."""
        return {}


def read_report(contents: RunContents) -> OwnershipReport:
    """Return the report of a run; ValueError when what the record says about ownership is damaged."""
    return OwnershipReport(read_results(contents))
