"""The manifest of an integrity fingerprint, as it is read: entries of the right kind, and no others. Needs no torch."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from modelprint.fingerprint.blocks import BlockEntries
from modelprint.fingerprint.envelope import CommonManifest, ExpectedMembers
from modelprint.fingerprint.manifest import STRICT
from modelprint.fingerprint.parts import ProfileRecord, Release, Sample
from modelprint.fingerprint.pictures import picture_name
from modelprint.pixels import Picture

FORMAT = 3
"""The newest format this version knows; docs/file-format.md has the history."""

SAMPLE_NUMBERS = ("label", "margin", "confidence")
"""What the manifest always says about a sample; the pictures are members of their own."""


class SampleNumbers(BaseModel):
    """One sample without its pictures."""

    model_config = STRICT

    label: int
    margin: float
    confidence: float
    source_label: int | None = None


class IntegrityManifest(CommonManifest, BlockEntries):
    """`manifest.json` of any format."""

    format: Literal[1, 2, 3]
    profile: ProfileRecord
    expected_flip_rate: float
    samples: tuple[SampleNumbers, ...]
    releases: tuple[Release, ...] = ()

    def expect_members(self) -> ExpectedMembers:
        """Return which members it has to list: a picture of each sample and control; the source of a sample may be."""
        indices = range(len(self.samples))
        needed = {picture_name("samples", index) for index in indices} | set(self.control_names)
        allowed = needed | {picture_name("sources", index) for index in indices}
        holds = f"{len(indices)} samples" + (f" and {len(self.controls)} controls" if self.controls else "")
        return ExpectedMembers(holds=holds, needed=needed, allowed=allowed)

    def join_samples(self, members: Mapping[str, bytes]) -> tuple[Sample, ...]:
        """Return the samples, their pictures taken from `members`."""
        samples = []
        for index, numbers in enumerate(self.samples):
            source = members.get(picture_name("sources", index))
            sample = Sample(
                picture=Picture(members[picture_name("samples", index)]),
                source=None if source is None else Picture(source),
                **numbers.model_dump(),
            )
            samples.append(sample)
        return tuple(samples)


def write_sample(sample: Sample) -> dict[str, Any]:
    """Return what the manifest says about a sample; a label of its source only where there is one."""
    known = {} if sample.source_label is None else {"source_label": sample.source_label}
    return {name: getattr(sample, name) for name in SAMPLE_NUMBERS} | known


def write_release(release: Release) -> dict[str, Any]:
    """Return what the manifest says about a release; a preprocessing only where there is one."""
    record = vars(release) | {"labels": list(release.labels)}
    return {name: value for name, value in record.items() if name != "preprocessing" or value is not None}
