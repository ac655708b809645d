"""Ownership fingerprints: what copies of a model are recognised by, sealed in one `.mprint` file. Needs no torch.

The container and its rules are those of every `.mprint` file. The manifest says `"kind": "ownership"` and what is known
of reference models; C-examples are `samples/0000.png ...`, and what is compared as numbers are `arrays/NAME.npy`, which
hold plain numbers and never objects. `docs/file-format.md` explains every entry.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, Field

from modelprint.fingerprint.envelope import CommonManifest, Envelope, ExpectedMembers, check_common
from modelprint.fingerprint.manifest import OWNERSHIP, STRICT, parse_manifest
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
from modelprint.fingerprint.pictures import check_shape, picture_name
from modelprint.pixels import Picture

__all__ = ["C_EXAMPLES", "FORMAT", "UAP", "ByLabels", "ByViews", "OwnershipFingerprint", "Reference", "Relation"]

FORMAT = 1
"""The newest format of this kind of file."""
REFERENCE_LIMIT = 100_000
EVIDENCE_KIND = "told_by"
"""Entry of the manifest that says what is compared: "labels" or "views"."""
C_EXAMPLES = "c-examples"
UAP = "uap"


class LabelNumbers(BaseModel):
    """The entries of the manifest about examples."""

    model_config = STRICT

    evidence_kind: Literal["labels"] = Field(alias=EVIDENCE_KIND)
    labels: tuple[int, ...]


class ViewNumbers(BaseModel):
    """The entries of the manifest about views; the arrays are members of their own."""

    model_config = STRICT

    evidence_kind: Literal["views"] = Field(alias=EVIDENCE_KIND)
    fooled: int
    tested: int
    wanted: float
    encoder: dict[str, Any]
    seen: tuple[str, ...]


class OwnershipManifest(CommonManifest):
    """`manifest.json` of this kind."""

    format: Literal[1]
    kind: Literal["ownership"]
    references: tuple[Reference, ...]
    evidence: Annotated[LabelNumbers | ViewNumbers, Field(discriminator="evidence_kind")]


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnershipFingerprint(Envelope[OwnershipManifest]):
    """What copies of a model are recognised by, and how reference models, copies and unrelated ones, behave.

    Attributes:
        class_names: One name per class, in label order.
        preprocessing: How a picture becomes an input of the model.
        provenance: How it came to be; the method is C_EXAMPLES or UAP.
        references: Models that a suspect is compared with.
        evidence: What a suspect is asked about.
    """

    kind: ClassVar[str] = OWNERSHIP
    newest: ClassVar[int] = FORMAT

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Provenance
    references: tuple[Reference, ...]
    evidence: ByLabels | ByViews
    signature: bytes | None = None

    def __post_init__(self) -> None:
        check_common(self, list(map(asdict, self.references)))
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

    def _check_labels(self, evidence: ByLabels) -> None:
        if self.provenance.method != C_EXAMPLES:
            raise ValueError(f"method {self.provenance.method!r} has no C-examples")
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
                raise ValueError(
                    f"the encoder was trained on reference {reference.model_sha256[:16]}; it cannot judge it"
                )
            if reference.matches is not None:
                raise ValueError("a reference has matches, but labels are not compared")

    def rows_of(self, relation: Relation) -> list[int]:
        """Return the places, among the references, of those that are "copy" or "unrelated"."""
        return [index for index, one in enumerate(self.references) if one.relation == relation]

    def record(self) -> dict[str, Any]:
        """Return the entries of the manifest that are particular to this kind."""
        seen = self.evidence
        if isinstance(seen, ByLabels):
            evidence: dict[str, Any] = {"labels": list(seen.labels), EVIDENCE_KIND: "labels"}
        else:
            names = ("fooled", "tested", "wanted", "encoder")
            evidence = {name: getattr(seen, name) for name in names} | {"seen": list(seen.seen), EVIDENCE_KIND: "views"}
        return {
            "format": FORMAT,
            "kind": OWNERSHIP,
            "references": [asdict(reference) for reference in self.references],
            "evidence": evidence,
        }

    def contents(self) -> Mapping[str, bytes]:
        """Return the members of the file, by name and in file order."""
        return self.evidence.contents

    def pictures(self) -> dict[str, Picture]:
        """Return the examples, by the names of their members; none where views are compared."""
        examples = self.evidence.pictures if isinstance(self.evidence, ByLabels) else ()
        return {picture_name("samples", index): picture for index, picture in enumerate(examples)}

    @classmethod
    def parse(cls, content: bytes) -> OwnershipManifest:
        """Return the manifest in `content`; ValueError names the first entry that is wrong."""
        return parse_manifest(OwnershipManifest, content)

    @classmethod
    def expect_members(cls, manifest: OwnershipManifest) -> ExpectedMembers:
        """Return which members a manifest has to list: a picture of each example, or every array."""
        if isinstance(manifest.evidence, LabelNumbers):
            names = [picture_name("samples", index) for index in range(len(manifest.evidence.labels))]
            return ExpectedMembers(holds=f"{len(names)} examples", needed=names, allowed=names)
        names = [array_name(name) for name in ARRAYS]
        return ExpectedMembers(holds=f"{len(names)} arrays", needed=names, allowed=names)

    @classmethod
    def assemble(
        cls, manifest: OwnershipManifest, record: Mapping[str, Any], members: Mapping[str, bytes]
    ) -> "OwnershipFingerprint":
        """Join the numbers of the manifest with the examples or arrays."""
        numbers = manifest.evidence
        evidence = (
            _assemble_labels(numbers, members)
            if isinstance(numbers, LabelNumbers)
            else _assemble_views(numbers, record["evidence"]["encoder"], members)
        )
        return cls(
            class_names=manifest.class_names,
            preprocessing=manifest.preprocessing,
            provenance=manifest.provenance,
            references=manifest.references,
            evidence=evidence,
        )

    def summary(self) -> str:
        """Say in a few lines what the fingerprint holds."""
        made, shape = self.provenance, self.preprocessing
        lines = [
            ("fingerprint", self.digest),
            ("kind", "ownership: whether a model is a copy of the protected one; see: modelprint own check"),
            ("protects", f"{made.network} (model {made.model_sha256[:16]})"),
            ("asks for", self.describe_questions()),
            ("pictures", f"{shape.width} x {shape.height} {shape.colour}, {len(self.class_names)} classes"),
            ("unrelated", self._describe_references("unrelated")),
            ("copies", self._describe_references("copy")),
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

    def describe_questions(self, views: int | None = None) -> str:
        """Describe what a suspect has to answer, for the first `views` or for all of them."""
        seen = self.evidence
        if isinstance(seen, ByLabels):
            return f"the labels of {len(seen.labels)} examples"
        index = seen.index[:views]
        count, (views, points) = 2 * len(np.unique(index)), index.shape
        return (
            f"all probabilities for {count} pictures: {views} views of {points} points, before and after "
            f"a perturbation that fools {seen.fooled / seen.tested:.1%} of the test images"
        )

    def _describe_references(self, relation: Relation) -> str:
        """Describe the references of one kind in words."""
        some = [self.references[row] for row in self.rows_of(relation)]
        if not some:
            return "no references"
        kinds = ", ".join(f"{kind}*{count}" for kind, count in Counter(one.made for one in some).items())
        text = f"{len(some)} references ({kinds}), accuracy median {median(one.accuracy for one in some):.1%}"
        matches = [one.matches for one in some if one.matches is not None]
        if matches and isinstance(self.evidence, ByLabels):
            text += f"; {min(matches)} to {max(matches)} of {len(self.evidence.labels)} labels match"
        return text


def _assemble_labels(numbers: LabelNumbers, members: Mapping[str, bytes]) -> ByLabels:
    pictures = tuple(Picture(members[picture_name("samples", index)]) for index in range(len(numbers.labels)))
    return ByLabels(pictures=pictures, labels=numbers.labels)


def _assemble_views(numbers: ViewNumbers, encoder: Mapping[str, Any], members: Mapping[str, bytes]) -> ByViews:
    arrays = {name: read_array(name, members[array_name(name)]) for name in ARRAYS}
    return ByViews(
        **{name: array for name, array in arrays.items() if name not in WEIGHTS},
        weights={name: arrays[name] for name in WEIGHTS},
        fooled=numbers.fooled,
        tested=numbers.tested,
        wanted=numbers.wanted,
        encoder=encoder,
        seen=numbers.seen,
    )
