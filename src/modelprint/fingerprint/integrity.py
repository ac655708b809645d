"""Fingerprints: samples with the labels their owner's model gives them, sealed in one `.mprint` file. Needs no torch.

The file is a ZIP of `manifest.json` (canonical JSON, RFC 8785, with size and SHA-256 of every other member),
`samples/0000.png ...` and, where an owner wants them, `sources/0000.png ...` and `controls/0000.png ...`. The SHA-256
of the manifest is the identity of the fingerprint; a verdict and a transcript name it. `docs/file-format.md` explains
every field.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import median
from typing import Any, ClassVar

from modelprint.fingerprint.blocks import Blocks
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.envelope import Envelope, ExpectedMembers, check_common
from modelprint.fingerprint.integrity_manifest import FORMAT, IntegrityManifest, write_release, write_sample
from modelprint.fingerprint.manifest import INTEGRITY, parse_manifest
from modelprint.fingerprint.parts import (
    PROTECTED,
    UNKNOWN_MODEL,
    Preprocessing,
    ProfileRecord,
    Provenance,
    Release,
    Sample,
)
from modelprint.fingerprint.pictures import check_shape, picture_name
from modelprint.pixels import Picture

__all__ = ["FORMAT", "Fingerprint", "Preprocessing", "ProfileRecord", "Provenance", "Release", "Sample"]

RELEASE_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class Fingerprint(Blocks, Envelope[IntegrityManifest]):
    """Samples, their expected labels, and what is needed to ask for them correctly; `Blocks` has optional entries.

    Attributes:
        samples: In the order they are asked.
        class_names: One name per class, in label order.
        profile: Which honest serving differences must not raise an alarm.
        preprocessing: How a picture becomes an input of the model.
        provenance: How the samples came to be.
        expected_flip_rate: Probability p1, per sample, that the weakest tampering it claims to see flips its label.
        releases: Other models of the owner, and known ways to preprocess wrongly, with what they say about the samples.
    """

    kind: ClassVar[str] = INTEGRITY
    newest: ClassVar[int] = FORMAT

    samples: tuple[Sample, ...]
    class_names: tuple[str, ...]
    profile: ProfileRecord
    preprocessing: Preprocessing
    provenance: Provenance
    expected_flip_rate: float = 0.25
    releases: tuple[Release, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.samples) <= SAMPLE_LIMIT:
            raise ValueError(f"a fingerprint has 1 to {SAMPLE_LIMIT} samples, got {len(self.samples)}")
        check_common(self, asdict(self.profile), self.record_blocks())
        if not self.profile.flip_rate < self.expected_flip_rate < 1:
            raise ValueError(
                f"expected_flip_rate lies between the honest flip rate {self.profile.flip_rate} and 1, "
                f"got {self.expected_flip_rate}"
            )
        for index, sample in enumerate(self.samples):
            if sample.label >= len(self.class_names):
                raise ValueError(
                    f"sample {index} has label {sample.label}, but there are {len(self.class_names)} class names"
                )
            if sample.source_label is not None and sample.source_label >= len(self.class_names):
                raise ValueError(
                    f"the source of sample {index} has label {sample.source_label}, but there are "
                    f"{len(self.class_names)} class names"
                )
        for name, picture in self.pictures().items():
            check_shape(_describe_place(name), picture, self.preprocessing)
        self._check_releases()
        self.check_blocks(len(self.samples), len(self.class_names), self.profile.flip_rate)

    def _check_releases(self) -> None:
        if len(self.releases) > RELEASE_LIMIT:
            raise ValueError(f"a fingerprint carries at most {RELEASE_LIMIT} releases, got {len(self.releases)}")
        names = Counter(release.name for release in self.releases)
        if names and names.most_common(1)[0][1] > 1:
            raise ValueError(f"two releases are called {names.most_common(1)[0][0]!r}; each needs a name of its own")
        for release in self.releases:
            if len(release.labels) != len(self.samples):
                raise ValueError(
                    f"release {release.name} has {len(release.labels)} labels for {len(self.samples)} samples"
                )
            largest = max(label for label in release.labels if label is not None)
            if largest >= len(self.class_names):
                raise ValueError(
                    f"release {release.name} has label {largest}, but there are {len(self.class_names)} class names"
                )

    @property
    def format(self) -> int:
        """The oldest format that can hold it, so that old versions can read it where possible."""
        labelled = any(one.source_label is not None for one in self.samples)
        if self.has_blocks or self.preprocessings or labelled or self.preprocessing.mean is not None:
            return 3
        return 2 if self.releases else 1

    @property
    def models(self) -> tuple[Release, ...]:
        """The releases that are other models of the owner."""
        return tuple(release for release in self.releases if release.preprocessing is None)

    @property
    def preprocessings(self) -> tuple[Release, ...]:
        """The releases that are the protected model itself, asked with other preprocessing."""
        return tuple(release for release in self.releases if release.preprocessing is not None)

    def _name_preprocessings(self) -> list[str]:
        return [one.preprocessing for one in self.preprocessings if one.preprocessing is not None]

    @property
    def label_sets(self) -> dict[str, tuple[int | None, ...]]:
        """The labels of the protected model, then of each other model, by name."""
        own = tuple(sample.label for sample in self.samples)
        return {PROTECTED: own, **{release.name: release.labels for release in self.models}}

    @property
    def separations(self) -> dict[str, dict[str, int]]:
        """How many samples distinguish the protected model and the other models, every pair once."""
        found: dict[str, dict[str, int]] = {}
        for (name, labels), (other, others) in combinations(self.label_sets.items(), 2):
            found.setdefault(name, {})[other] = _count_differences(labels, others)
        return found

    def record(self) -> dict[str, Any]:
        """Return the entries of the manifest that are particular to this kind."""
        record: dict[str, Any] = {
            "format": self.format,
            "profile": asdict(self.profile),
            "expected_flip_rate": self.expected_flip_rate,
            "samples": [write_sample(sample) for sample in self.samples],
        }
        if self.releases:
            record["releases"] = [write_release(release) for release in self.releases]
        return record | self.record_blocks()

    def contents(self) -> dict[str, bytes]:
        """Return the members of the file, by name and in file order."""
        return {name: picture.png for name, picture in self.pictures().items()}

    def pictures(self) -> dict[str, Picture]:
        """Return every picture by the name of its member: samples, then sources, then controls."""
        samples = {picture_name("samples", index): sample.picture for index, sample in enumerate(self.samples)}
        sources = {
            picture_name("sources", index): sample.source
            for index, sample in enumerate(self.samples)
            if sample.source is not None
        }
        return samples | sources | self.control_pictures

    @classmethod
    def parse(cls, content: bytes) -> IntegrityManifest:
        """Return the manifest in `content`; ValueError names the first entry that is wrong."""
        return parse_manifest(IntegrityManifest, content)

    @classmethod
    def expect_members(cls, manifest: IntegrityManifest) -> ExpectedMembers:
        """Return which members a manifest has to list, and which it may."""
        return manifest.expect_members()

    @classmethod
    def assemble(
        cls, manifest: IntegrityManifest, record: Mapping[str, Any], members: Mapping[str, bytes]
    ) -> "Fingerprint":
        """Join the numbers of the manifest with the pictures."""
        fingerprint = cls(
            samples=manifest.join_samples(members),
            class_names=manifest.class_names,
            profile=manifest.profile,
            preprocessing=manifest.preprocessing,
            provenance=manifest.provenance,
            expected_flip_rate=manifest.expected_flip_rate,
            releases=manifest.releases,
            **manifest.join(members),
        )
        if fingerprint.format != manifest.format:
            raise ValueError(
                f"format is {manifest.format}, but what is in it is written as format {fingerprint.format}"
            )
        return fingerprint

    def summary(self) -> str:
        """Say in a few lines what the fingerprint holds."""
        made, profile, shape = self.provenance, self.profile, self.preprocessing
        most = Counter(self.class_names[sample.label] for sample in self.samples).most_common(5)
        margins = [sample.margin for sample in self.samples]
        confidence = median(sample.confidence for sample in self.samples)
        lines = {
            "fingerprint": self.digest,
            "protects": f"{made.network} (model {made.model_sha256[:16]})",
            "samples": f"{len(self.samples)} of {shape.width} x {shape.height} {shape.colour}",
            "classes": f"{len(self.class_names)}; most samples: {', '.join(f'{name} {count}' for name, count in most)}",
            "margins": f"{min(margins):.3g} to {max(margins):.3g} logits, median {median(margins):.3g}",
            "confidence": f"median {confidence:.3f}",
            "profile": f"{profile.name}: noise floor {profile.floor:.3g} logits over {len(profile.variants)} variants, "
            f"margins at least {profile.multiple:g} times that, "
            f"so that no change of a gap below {profile.multiple * profile.floor:.3g} logits can show",
            "flip rates": f"{profile.flip_rate:g} served honestly, {self.expected_flip_rate:g} or more tampered with",
            "made by": f"{made.method}, seed {made.seed}, from {made.data}",
            "made on": f"{made.created}, modelprint {made.version}",
            "lost": f"{made.lost_rounding} to rounding, {made.lost_steadiness} to noise, of {made.crafted} crafted",
        }
        if made.model_sha256 == UNKNOWN_MODEL:
            unknown = "unknown: only labels could be seen"
            lines |= {"protects": f"{made.network} (known by its answers)", "margins": unknown, "confidence": unknown}
            lines |= {"profile": f"{profile.name}: the same answer each time it was asked"}
        if self.enrolment is not None:
            lines["profile"] = (
                f"{profile.name}: the labels are those of the deployment below; its own noise is all that counts"
            )
            lines["margins"] = "of the released model; unknown where a sample was moved"
            del lines["confidence"]
        own = self.label_sets[PROTECTED]
        releases = [
            (
                "release",
                f"{one.name}: {_count_differences(own, one.labels)} of {len(own)} samples tell it from {PROTECTED}",
            )
            for one in self.models
        ]
        if self.preprocessings:
            lines["explains"] = f"other preprocessing: {', '.join(self._name_preprocessings())}"
        return "\n".join(f"{name:<12} {text}" for name, text in [*(lines | self.describe_blocks()).items(), *releases])


def _describe_place(name: str) -> str:
    """Return what a member is, for a message: "sources/0003.png" is "the source of sample 3"."""
    folder, _, file = name.partition("/")
    index = int(file.removesuffix(".png"))
    return {"samples": f"sample {index}", "sources": f"the source of sample {index}"}.get(folder, f"control {index}")


def _count_differences(labels: Sequence[int | None], others: Sequence[int | None]) -> int:
    """Return the number of samples on which both have a label and the labels differ."""
    pairs = zip(labels, others, strict=True)
    return sum(one is not None and other is not None and one != other for one, other in pairs)
