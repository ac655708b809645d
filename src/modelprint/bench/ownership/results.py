"""The results of a run about ownership, as the sections of a report need them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from modelprint.bench.contents import RunContents
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.record import OwnershipRecord, read_ownership_record
from modelprint.bench.ownership.scores import verdicts
from modelprint.ownership import Judge, OwnershipVerdict

Group = TypeVar("Group")


@dataclass(frozen=True, kw_only=True)
class OwnershipResults:
    """What a run observed about ownership.

    Attributes:
        contents: Everything in its folder.
        record: What the run says about ownership.
    """

    contents: RunContents
    record: OwnershipRecord = field(default_factory=OwnershipRecord)

    @cached_property
    def observations(self) -> tuple[OwnershipObservation, ...]:
        """All that can be read."""
        return self.contents.lines_of(OwnershipObservation)

    @property
    def judge(self) -> Judge:
        """The judge with the error rates that the plan asks for."""
        return Judge(alpha=self.record.alpha, beta=self.record.beta)

    def verdicts(self, by: str) -> Mapping[str, OwnershipVerdict]:
        """Return the verdicts by a comparison; none where there are too few references."""
        try:
            return verdicts(self.observations, self.judge, by)
        except ValueError:
            return {}


def read_results(contents: RunContents) -> OwnershipResults:
    """Return the results in the folder of a run; ValueError when what the record says about ownership is damaged."""
    return OwnershipResults(
        contents=contents, record=read_ownership_record(contents.record.studies.get("ownership", {}))
    )


def group(
    observations: Sequence[OwnershipObservation], of: Callable[[OwnershipObservation], Group]
) -> dict[Group, list[OwnershipObservation]]:
    """Return the observations by what `of` returns for each, in their order."""
    groups: dict[Group, list[OwnershipObservation]] = {}
    for one in observations:
        groups.setdefault(of(one), []).append(one)
    return groups
