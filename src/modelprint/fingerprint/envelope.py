"""The envelope of every `.mprint` file: one manifest, one digest, one way to save and to load. Needs no torch.

A kind of file is a payload: a frozen dataclass that derives from `Envelope` and says what is in its manifest and in its
members. Nothing that is defined here is overridden there.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from modelprint.errors import FingerprintError
from modelprint.fingerprint.container import MANIFEST, read_members, write_members
from modelprint.fingerprint.manifest import (
    STRICT,
    Member,
    check_members,
    check_printable,
    describe_members,
    encode_canonical,
    read_record,
)
from modelprint.fingerprint.parts import Preprocessing, Provenance
from modelprint.fingerprint.pictures import check_pictures
from modelprint.pixels import Picture

CLASS_LIMIT = 1_000_000


class CommonManifest(BaseModel):
    """The entries of `manifest.json` that every kind of file has; plain dataclasses inside take on these settings."""

    model_config = STRICT

    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Provenance
    members: dict[str, Member]


@dataclass(frozen=True, kw_only=True)
class ExpectedMembers:
    """Which members a manifest has to list, and which it may list.

    Attributes:
        holds: What they belong to, for messages, e.g. "5 samples".
        needed: Names that have to be there.
        allowed: Names that may be there.
    """

    holds: str
    needed: Collection[str]
    allowed: Collection[str]


ManifestT = TypeVar("ManifestT", bound=CommonManifest)
PayloadT = TypeVar("PayloadT", bound="Envelope[Any]")


class Envelope(ABC, Generic[ManifestT]):
    """A fingerprint of any kind, which can be saved, loaded and identified.

    Attributes:
        kind: INTEGRITY or OWNERSHIP.
        newest: Highest format number of that kind that this version reads.
        class_names: One name per class, in label order.
        preprocessing: How a picture becomes an input of the model.
        provenance: How it came to be.
    """

    kind: ClassVar[str]
    newest: ClassVar[int]
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Provenance

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Return the entries of the manifest that are particular to this kind."""

    @abstractmethod
    def contents(self) -> Mapping[str, bytes]:
        """Return the members of the file, by name and in file order."""

    @abstractmethod
    def pictures(self) -> Mapping[str, Picture]:
        """Return the members that are pictures, by name."""

    @classmethod
    @abstractmethod
    def parse(cls, content: bytes) -> ManifestT:
        """Return the manifest in `content`; ValueError names the first entry that is wrong."""

    @classmethod
    @abstractmethod
    def expect_members(cls, manifest: ManifestT) -> ExpectedMembers:
        """Return which members a manifest has to list."""

    @classmethod
    @abstractmethod
    def assemble(
        cls: type[PayloadT], manifest: ManifestT, record: Mapping[str, Any], members: Mapping[str, bytes]
    ) -> PayloadT:
        """Join the manifest with the members, which are those it lists.

        Args:
            manifest: What `parse` returned, with the provenance as it was written.
            record: The same as plain JSON, for entries whose numbers have no declared kind.
            members: Content of each member.

        Raises:
            ValueError: A number, a shape or the header of a picture is out of range.
        """

    @cached_property
    def manifest(self) -> bytes:
        """The canonical bytes of `manifest.json`; ValueError when a setting cannot be written as JSON."""
        return encode_canonical(
            {
                "class_names": list(self.class_names),
                "preprocessing": _write_preprocessing(self.preprocessing),
                "provenance": asdict(self.provenance),
                "members": describe_members(self.contents()),
            }
            | self.record()
        )

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the manifest: the identity of the fingerprint."""
        return hashlib.sha256(self.manifest).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write the `.mprint` file; equal fingerprints give equal bytes, and a crash never leaves a part of one.

        Raises:
            FingerprintError: When the file cannot be written or would be too large to be read again.
        """
        write_members(Path(path), {MANIFEST: self.manifest, **self.contents()})

    @classmethod
    def load(cls: type[PayloadT], path: Path | str) -> PayloadT:
        """Read a `.mprint` file of this kind, trusting nothing in it.

        1. Read the members of the archive; its layout, names and sizes are checked.
        2. Read the manifest: the kind, a known format, canonical bytes, known fields of the right kind.
        3. Compare the members with the sizes and hashes in the manifest: none extra, none missing.
        4. Put the payload together; every number, shape and picture header is checked.
        5. Write its manifest again: every content has one spelling, so the digest is that of the file.
        6. Decode every picture once.

        Raises:
            FingerprintError: Names the file and the first thing that is wrong with it.
        """
        place = Path(path)
        members = read_members(place)  # (1)
        try:
            content = members.pop(MANIFEST, b"")
            record = read_record(content, cls.kind, cls.newest)  # (2)
            manifest = cls.parse(content)
            expected = cls.expect_members(manifest)
            check_members(
                manifest.members, members, holds=expected.holds, needed=expected.needed, allowed=expected.allowed
            )  # (3)
            # The numbers in settings have no declared kind; keep the kind that was written.
            provenance = replace(manifest.provenance, settings=record["provenance"]["settings"])
            payload = cls.assemble(manifest.model_copy(update={"provenance": provenance}), record, members)  # (4)
            if payload.manifest != content:  # (5)
                raise ValueError(f"{MANIFEST} is not spelled as we write it; an entry is missing or not needed")
            check_pictures(payload.pictures(), payload.preprocessing)  # (6)
        except ValueError as problem:
            raise FingerprintError(f"{place}: {problem}") from problem
        return payload

    def to_json(self) -> str:
        """Return the manifest with the digest beside it, as one indented JSON object."""
        return json.dumps({"digest": self.digest, **json.loads(self.manifest)}, indent=2, ensure_ascii=False)


def _write_preprocessing(preprocessing: Preprocessing) -> dict[str, Any]:
    """Return it as plain JSON; a normalisation outside the model only where there is one."""
    record = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(preprocessing).items()}
    return {name: value for name, value in record.items() if value is not None}


def check_common(payload: Envelope[Any], *records: object) -> None:
    """Raise ValueError when a payload has too few or too many classes, or a text that cannot be printed.

    Args:
        payload: Its class names, preprocessing and provenance are checked.
        records: Further nested lists and dictionaries of texts.
    """
    if not 2 <= len(payload.class_names) <= CLASS_LIMIT:
        raise ValueError(f"a fingerprint has 2 to {CLASS_LIMIT} classes, got {len(payload.class_names)}")
    check_printable([payload.class_names, asdict(payload.preprocessing), asdict(payload.provenance), list(records)])
