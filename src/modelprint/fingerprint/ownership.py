"""Ownership fingerprints: what copies of a model are recognised by, sealed in one `.mprint` file. Needs no torch.

The container and its rules are those of every `.mprint` file. The manifest says `"kind": "ownership"` and what is known
of reference models; examples that are told by labels are `samples/0000.png ...`, and what is compared as numbers are
`arrays/NAME.npy`, which hold plain numbers and never objects. `docs/file-format.md` explains every entry.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from modelprint.errors import FingerprintError
from modelprint.fingerprint.container import MANIFEST, read_members, write_members
from modelprint.fingerprint.integrity import CLASS_LIMIT, check_pictures, check_shape, picture_name
from modelprint.fingerprint.manifest import (
    OWNERSHIP,
    STRICT,
    Member,
    canonical,
    check_members,
    check_printable,
    members_of,
    parse_manifest,
    read_record,
)
from modelprint.fingerprint.ownership_parts import (
    ARRAYS,
    WEIGHTS,
    ByLabels,
    ByViews,
    Reference,
    Relation,
    array_name,
    read_array,
)
from modelprint.fingerprint.parts import Preprocessing, Provenance
from modelprint.pixels import Picture

__all__ = ["C_EXAMPLES", "FORMAT", "UAP", "ByLabels", "ByViews", "OwnershipFingerprint", "Reference", "Relation"]

FORMAT = 1
"""The newest format of this kind of file."""
REFERENCE_LIMIT = 100_000
C_EXAMPLES = "c-examples"
UAP = "uap"


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnershipFingerprint:
    """What copies of a model are recognised by, and how models behave of which it is known whether they are copies.

    Attributes:
        class_names: One name per class, in label order.
        preprocessing: How a picture becomes an input of the model.
        provenance: How it came to be; the method is C_EXAMPLES or UAP.
        references: Models that a suspect is held against.
        evidence: What a suspect is asked about.
    """

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Provenance
    references: tuple[Reference, ...]
    evidence: ByLabels | ByViews

    def __post_init__(self) -> None:
        if not 2 <= len(self.class_names) <= CLASS_LIMIT:
            raise ValueError(f"a fingerprint has 2 to {CLASS_LIMIT} classes, got {len(self.class_names)}")
        if not 1 <= len(self.references) <= REFERENCE_LIMIT:
            raise ValueError(f"there are 1 to {REFERENCE_LIMIT} references, got {len(self.references)}")
        digests = Counter(reference.model_sha256 for reference in self.references)
        if digests.most_common(1)[0][1] > 1:
            raise ValueError(f"reference model {digests.most_common(1)[0][0][:16]} is there twice; it counts once")
        if self.provenance.model_sha256 in digests:
            raise ValueError("the victim is among the references; leave it out there")
        if isinstance(self.evidence, ByLabels):
            self._check_labels(self.evidence)
        else:
            self._check_views(self.evidence)
        parts = [asdict(self.preprocessing), asdict(self.provenance), *map(asdict, self.references)]
        check_printable([self.class_names, parts])

    def _check_labels(self, evidence: ByLabels) -> None:
        if self.provenance.method != C_EXAMPLES:
            raise ValueError(f"method {self.provenance.method!r} has no examples that are told by labels")
        for index, (picture, label) in enumerate(zip(evidence.pictures, evidence.labels, strict=True)):
            if not 0 <= label < len(self.class_names):
                raise ValueError(f"example {index} has label {label}, but there are {len(self.class_names)} classes")
            check_shape(f"example {index}", picture, self.preprocessing)
        for reference in self.references:
            if reference.matches is None or not 0 <= reference.matches <= len(evidence.labels):
                raise ValueError(
                    f"a reference gives 0 to {len(evidence.labels)} examples their label, got {reference.matches}"
                )

    def _check_views(self, evidence: ByViews) -> None:
        if self.provenance.method != UAP:
            raise ValueError(f"method {self.provenance.method!r} has no views")
        if evidence.pixels.shape[1:] != self.preprocessing.image_shape:
            raise ValueError(
                f"the pictures have shape {evidence.pixels.shape[1:]}, expected {self.preprocessing.image_shape}"
            )
        length = 2 * evidence.index.shape[1] * len(self.class_names)
        if evidence.victim.shape[1] != length:
            raise ValueError(f"a view has {evidence.victim.shape[1]} probabilities, expected {length}")
        if len(evidence.represented) != len(self.references):
            raise ValueError(f"{len(evidence.represented)} references answered, but {len(self.references)} are named")
        for reference in self.references:
            if reference.model_sha256 in evidence.seen:
                raise ValueError(f"the encoder learnt from reference {reference.model_sha256[:16]}; it cannot judge it")
            if reference.matches is not None:
                raise ValueError("a reference has matches, but models are not told by labels")

    def rows_of(self, relation: Relation) -> list[int]:
        """Return the places, among the references, of those that are "copy" or "unrelated"."""
        return [index for index, one in enumerate(self.references) if one.relation == relation]

    @cached_property
    def manifest(self) -> bytes:
        """The canonical bytes of `manifest.json`; ValueError when a setting cannot be written as JSON."""
        seen = self.evidence
        if isinstance(seen, ByLabels):
            evidence: dict[str, Any] = {"labels": list(seen.labels), "told_by": "labels"}
        else:
            names = ("fooled", "tested", "wanted", "encoder")
            evidence = {name: getattr(seen, name) for name in names} | {"seen": list(seen.seen), "told_by": "views"}
        record = {
            "format": FORMAT,
            "kind": OWNERSHIP,
            "class_names": list(self.class_names),
            "preprocessing": asdict(self.preprocessing) | {"value_range": list(self.preprocessing.value_range)},
            "provenance": asdict(self.provenance),
            "references": [asdict(reference) for reference in self.references],
            "evidence": evidence,
            "members": members_of(seen.contents),
        }
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
        write_members(Path(path), {MANIFEST: self.manifest, **self.evidence.contents})

    @classmethod
    def load(cls, path: Path | str) -> "OwnershipFingerprint":
        """Read a `.mprint` file of this kind, trusting nothing in it.

        1. Read the members of the archive; its layout, names and sizes are checked.
        2. Read the manifest: the kind, a known format, canonical bytes, known fields of the right kind.
        3. Compare the members with the sizes and hashes in the manifest: none extra, none missing.
        4. Put the evidence together; every number, shape and picture header is checked.
        5. Decode every picture once.

        Raises:
            FingerprintError: Names the file and the first thing that is wrong with it.
        """
        place = Path(path)
        members = read_members(place)  # (1)
        try:
            content = members.pop(MANIFEST, b"")
            record = read_record(content, OWNERSHIP, FORMAT)  # (2)
            manifest = parse_manifest(_Manifest, content)
            evidence = _evidence(manifest, record, members)  # (3)
            # The numbers in settings have no declared kind; keep the kind that was written.
            provenance = replace(manifest.provenance, settings=record["provenance"]["settings"])
            fingerprint = cls(  # (4)
                class_names=manifest.class_names,
                preprocessing=manifest.preprocessing,
                provenance=provenance,
                references=manifest.references,
                evidence=evidence,
            )
            if fingerprint.manifest != content:
                raise ValueError(f"{MANIFEST} is not spelled as we write it; an entry is missing or not needed")
            if isinstance(evidence, ByLabels):
                named = {picture_name("samples", index): one for index, one in enumerate(evidence.pictures)}
                check_pictures(named, manifest.preprocessing)  # (5)
        except ValueError as problem:
            raise FingerprintError(f"{place}: {problem}") from problem
        return fingerprint

    def summary(self) -> str:
        """Say in a few lines what the fingerprint holds."""
        made, shape = self.provenance, self.preprocessing
        lines = [
            ("fingerprint", self.digest),
            ("kind", "ownership: whether a model is a copy of the protected one; see: modelprint own check"),
            ("protects", f"{made.network} (model {made.model_sha256[:16]})"),
            ("asks for", self.asked()),
            ("pictures", f"{shape.width} x {shape.height} {shape.colour}, {len(self.class_names)} classes"),
            ("unrelated", self._told("unrelated")),
            ("copies", self._told("copy")),
            ("made by", f"{made.method}, seed {made.seed}, from {made.data}"),
            ("made on", f"{made.created}, modelprint {made.version}"),
            *(("note", f"{name}: {text}") for name, text in made.notes.items()),
        ]
        return "\n".join(f"{name:<12} {text}" for name, text in lines)

    @property
    def first_picture(self) -> Picture:
        """The picture that is asked about first."""
        seen = self.evidence
        return seen.pictures[0] if isinstance(seen, ByLabels) else Picture.of(seen.pixels[0])

    def asked(self, views: int | None = None) -> str:
        """Say what a suspect has to answer, for the first `views` or for all of them."""
        seen = self.evidence
        if isinstance(seen, ByLabels):
            return f"the labels of {len(seen.labels)} examples"
        index = seen.index[:views]
        count, (views, points) = 2 * len(np.unique(index)), index.shape
        return (
            f"all probabilities for {count} pictures: {views} views of {points} points, before and after "
            f"a perturbation that fools {seen.fooled / seen.tested:.1%} of the test images"
        )

    def to_json(self) -> str:
        """Return the manifest with the digest beside it, as one indented JSON object."""
        return json.dumps({"digest": self.digest, **json.loads(self.manifest)}, indent=2, ensure_ascii=False)

    def _told(self, relation: Relation) -> str:
        """Describe the references of one kind in words."""
        some = [self.references[row] for row in self.rows_of(relation)]
        if not some:
            return "no references"
        kinds = ", ".join(f"{kind}*{count}" for kind, count in Counter(one.made for one in some).items())
        told = f"{len(some)} references ({kinds}), accuracy median {median(one.accuracy for one in some):.1%}"
        matches = [one.matches for one in some if one.matches is not None]
        if matches and isinstance(self.evidence, ByLabels):
            told += f"; {min(matches)} to {max(matches)} of {len(self.evidence.labels)} labels match"
        return told


class _LabelNumbers(BaseModel):
    """What the manifest says of examples."""

    model_config = STRICT

    told_by: Literal["labels"]
    labels: tuple[int, ...]


class _ViewNumbers(BaseModel):
    """What the manifest says of views; the arrays are members of their own."""

    model_config = STRICT

    told_by: Literal["views"]
    fooled: int
    tested: int
    wanted: float
    encoder: dict[str, Any]
    seen: tuple[str, ...]


class _Manifest(BaseModel):
    """`manifest.json`; the plain dataclasses inside take on these strict settings."""

    model_config = STRICT

    format: Literal[1]
    kind: Literal["ownership"]
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Provenance
    references: tuple[Reference, ...]
    evidence: Annotated[_LabelNumbers | _ViewNumbers, Field(discriminator="told_by")]
    members: dict[str, Member]


def _evidence(manifest: _Manifest, record: Mapping[str, Any], members: Mapping[str, bytes]) -> ByLabels | ByViews:
    """Join the numbers of the manifest with the members, once these are what was promised."""
    told = manifest.evidence
    if isinstance(told, _LabelNumbers):
        names = [picture_name("samples", index) for index in range(len(told.labels))]
        check_members(manifest.members, members, holds=f"{len(names)} examples", needed=names, allowed=names)
        return ByLabels(pictures=tuple(Picture(members[name]) for name in names), labels=told.labels)
    names = [array_name(name) for name in ARRAYS]
    check_members(manifest.members, members, holds=f"{len(names)} arrays", needed=names, allowed=names)
    arrays = {name: read_array(name, members[array_name(name)]) for name in ARRAYS}
    return ByViews(
        **{name: array for name, array in arrays.items() if name not in WEIGHTS},
        weights={name: arrays[name] for name in WEIGHTS},
        fooled=told.fooled,
        tested=told.tested,
        wanted=told.wanted,
        encoder=record["evidence"]["encoder"],
        seen=told.seen,
    )
