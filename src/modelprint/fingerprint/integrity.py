"""Fingerprints: samples with the labels their owner's model gives them, sealed in one `.mprint` file. Needs no torch.

The file is a ZIP of `manifest.json` (canonical JSON, RFC 8785, with size and SHA-256 of every other member),
`samples/0000.png ...` and, where an owner wants to show them, `sources/0000.png ...`. The SHA-256 of the manifest is
the identity of the fingerprint; a verdict and a transcript name it. `docs/file-format.md` explains every field.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, Literal

from pydantic import BaseModel

from modelprint.errors import FingerprintError
from modelprint.fingerprint.container import MANIFEST, SAMPLE_LIMIT, plain_png_shape, read_members, write_members
from modelprint.fingerprint.manifest import (
    INTEGRITY,
    STRICT,
    Member,
    canonical,
    check_members,
    check_printable,
    members_of,
    parse_manifest,
    read_record,
)
from modelprint.fingerprint.parts import (
    PROTECTED,
    UNKNOWN_MODEL,
    Preprocessing,
    ProfileRecord,
    Provenance,
    Release,
    Sample,
)
from modelprint.pixels import Picture, decode_png

__all__ = ["FORMAT", "Fingerprint", "Preprocessing", "ProfileRecord", "Provenance", "Release", "Sample"]

FORMAT = 2
"""The newest format this version knows; docs/file-format.md has the history."""

CLASS_LIMIT = 1_000_000
RELEASE_LIMIT = 64
PIXEL_LIMIT = 2**30
"""Most pixel values in all pictures of a file together."""


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Samples, the labels they should get, and what is needed to ask for them fairly.

    Attributes:
        samples: In the order they are asked.
        class_names: One name per class, in label order.
        profile: Which honest serving differences must not raise an alarm.
        preprocessing: How a picture becomes an input of the model.
        provenance: How the samples came to be.
        expected_flip_rate: Probability p1, per sample, that the weakest tampering it claims to see flips its label.
        releases: Other models of the owner, with what they say about the samples.
    """

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
        if not 2 <= len(self.class_names) <= CLASS_LIMIT:
            raise ValueError(f"a fingerprint has 2 to {CLASS_LIMIT} classes, got {len(self.class_names)}")
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
            check_shape(f"sample {index}", sample.picture, self.preprocessing)
            if sample.source is not None:
                check_shape(f"the source of sample {index}", sample.source, self.preprocessing)
        self._check_releases()
        records = [asdict(self.profile), asdict(self.preprocessing), asdict(self.provenance)]
        check_printable([self.class_names, records])

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
        """The oldest format that can hold it: what old versions can read, they shall."""
        return FORMAT if self.releases else 1

    @property
    def label_sets(self) -> dict[str, tuple[int | None, ...]]:
        """The labels of the protected model, then of each release, by name."""
        own = tuple(sample.label for sample in self.samples)
        return {PROTECTED: own, **{release.name: release.labels for release in self.releases}}

    @property
    def separations(self) -> dict[str, dict[str, int]]:
        """How many samples tell the protected model and the releases from each other, every pair once."""
        found: dict[str, dict[str, int]] = {}
        for (name, labels), (other, others) in combinations(self.label_sets.items(), 2):
            found.setdefault(name, {})[other] = _apart(labels, others)
        return found

    @cached_property
    def manifest(self) -> bytes:
        """The canonical bytes of `manifest.json`; ValueError when a setting cannot be written as JSON."""
        record: dict[str, Any] = {
            "format": self.format,
            "class_names": list(self.class_names),
            "profile": asdict(self.profile),
            "preprocessing": asdict(self.preprocessing) | {"value_range": list(self.preprocessing.value_range)},
            "provenance": asdict(self.provenance),
            "expected_flip_rate": self.expected_flip_rate,
            "samples": [{name: getattr(sample, name) for name in SAMPLE_NUMBERS} for sample in self.samples],
            "members": members_of({name: picture.png for name, picture in self._pictures().items()}),
        }
        if self.releases:
            record["releases"] = [vars(release) | {"labels": list(release.labels)} for release in self.releases]
        return canonical(record)

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the manifest: the identity of the fingerprint."""
        return hashlib.sha256(self.manifest).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write the `.mprint` file; equal fingerprints give equal bytes, and a crash leaves no half of one.

        Raises:
            FingerprintError: When the file cannot be written or would be too large to be read again.
        """
        pictures = {name: picture.png for name, picture in self._pictures().items()}
        write_members(Path(path), {MANIFEST: self.manifest, **pictures})

    @classmethod
    def load(cls, path: Path | str) -> "Fingerprint":
        """Read a `.mprint` file, trusting nothing in it.

        1. Read the members of the archive; its layout, names and sizes are checked.
        2. Read the manifest: a known format, canonical bytes, known fields of the right kind.
        3. Compare the members with the sizes and hashes in the manifest: none extra, none missing.
        4. Put the samples together; labels, numbers and picture headers are checked.
        5. Decode every picture once.

        Raises:
            FingerprintError: Names the file and the first thing that is wrong with it.
        """
        place = Path(path)
        members = read_members(place)  # (1)
        try:
            content = members.pop(MANIFEST, b"")
            manifest = _read_manifest(content)  # (2)
            _check_members(manifest, members)  # (3)
            fingerprint = _assemble(manifest, members)  # (4)
            # One spelling for each content: then the digest of what was read is that of the file.
            if fingerprint.manifest != content:
                raise ValueError(f"{MANIFEST} is not spelled as we write it; an entry is missing or not needed")
            check_pictures(fingerprint._pictures(), fingerprint.preprocessing)  # (5)
        except ValueError as problem:
            raise FingerprintError(f"{place}: {problem}") from problem
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
            unknown = "unknown: labels were all there was to see"
            lines |= {"protects": f"{made.network} (known by its answers)", "margins": unknown, "confidence": unknown}
            lines |= {"profile": f"{profile.name}: the same answer each time, asked again and again"}
        own = self.label_sets[PROTECTED]
        told = [
            ("release", f"{one.name}: {_apart(own, one.labels)} of {len(own)} samples tell it from {PROTECTED}")
            for one in self.releases
        ]
        return "\n".join(f"{name:<12} {text}" for name, text in [*lines.items(), *told])

    def to_json(self) -> str:
        """Return the manifest with the digest beside it, as one indented JSON object."""
        return json.dumps({"digest": self.digest, **json.loads(self.manifest)}, indent=2, ensure_ascii=False)

    def _pictures(self) -> dict[str, Picture]:
        """Return every picture by the name of its member, samples first."""
        samples = {picture_name("samples", index): sample.picture for index, sample in enumerate(self.samples)}
        sources = {
            picture_name("sources", index): sample.source
            for index, sample in enumerate(self.samples)
            if sample.source is not None
        }
        return samples | sources


SAMPLE_NUMBERS = ("label", "margin", "confidence")
"""What the manifest says about a sample; the pictures are members of their own."""


class _SampleNumbers(BaseModel):
    """One sample without its pictures."""

    model_config = STRICT

    label: int
    margin: float
    confidence: float


class _Manifest(BaseModel):
    """`manifest.json` of any format; the plain dataclasses inside take on these strict settings."""

    model_config = STRICT

    format: Literal[1, 2]
    class_names: tuple[str, ...]
    profile: ProfileRecord
    preprocessing: Preprocessing
    provenance: Provenance
    expected_flip_rate: float
    samples: tuple[_SampleNumbers, ...]
    members: dict[str, Member]
    releases: tuple[Release, ...] = ()


def _read_manifest(content: bytes) -> _Manifest:
    """Return the manifest, or raise ValueError saying in one line what is wrong with it."""
    record = read_record(content, INTEGRITY, FORMAT)
    manifest = parse_manifest(_Manifest, content)
    if (manifest.format == FORMAT) != bool(manifest.releases) or (manifest.format == 1 and "releases" in record):
        raise ValueError(f"{MANIFEST}: releases: format {FORMAT} has at least one, format 1 has no such entry")
    settings = record["provenance"]["settings"]  # their numbers have no declared kind; keep the kind that was written
    return manifest.model_copy(update={"provenance": replace(manifest.provenance, settings=settings)})


def _check_members(manifest: _Manifest, members: Mapping[str, bytes]) -> None:
    """Compare what is there with what the manifest promises."""
    indices = range(len(manifest.samples))
    needed = {picture_name("samples", index) for index in indices}
    allowed = needed | {picture_name("sources", index) for index in indices}
    check_members(manifest.members, members, holds=f"{len(indices)} samples", needed=needed, allowed=allowed)


def _assemble(manifest: _Manifest, members: Mapping[str, bytes]) -> Fingerprint:
    """Join the numbers of the manifest with the pictures."""
    samples = []
    for index, numbers in enumerate(manifest.samples):
        source = members.get(picture_name("sources", index))
        sample = Sample(
            picture=Picture(members[picture_name("samples", index)]),
            source=None if source is None else Picture(source),
            **numbers.model_dump(),
        )
        samples.append(sample)
    return Fingerprint(
        samples=tuple(samples),
        class_names=manifest.class_names,
        profile=manifest.profile,
        preprocessing=manifest.preprocessing,
        provenance=manifest.provenance,
        expected_flip_rate=manifest.expected_flip_rate,
        releases=manifest.releases,
    )


def check_pictures(pictures: Mapping[str, Picture], preprocessing: Preprocessing) -> None:
    """Decode every picture, keeping none: the sizes were bounded by the headers, the rest shows only now.

    Raises:
        ValueError: Names the first member that is at fault.
    """
    total = len(pictures) * math.prod(preprocessing.image_shape)
    if total > PIXEL_LIMIT:
        raise ValueError(f"the pictures have {total} values together, the limit is {PIXEL_LIMIT}")
    for name, picture in pictures.items():
        try:
            decode_png(picture.png)
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from problem


def picture_name(folder: str, index: int) -> str:
    """Return the name of the member that holds a picture of sample `index`."""
    return f"{folder}/{index:04d}.png"


def check_shape(name: str, picture: Picture, preprocessing: Preprocessing) -> None:
    """Refuse a picture whose header disagrees with the contract."""
    try:
        shape = plain_png_shape(picture.png)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from problem
    if shape != preprocessing.image_shape:
        raise ValueError(f"{name} has shape {shape} (channels, height, width), expected {preprocessing.image_shape}")


def _apart(labels: Sequence[int | None], others: Sequence[int | None]) -> int:
    """Return on how many samples both have a label, and not the same one."""
    pairs = zip(labels, others, strict=True)
    return sum(one is not None and other is not None and one != other for one, other in pairs)
