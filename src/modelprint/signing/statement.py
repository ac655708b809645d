"""What is signed: an in-toto statement, version 1, about one or several digests. Needs no torch.

Source: in-toto attestation framework, https://github.com/in-toto/attestation/tree/main/spec/v1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelprint.errors import SignatureError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
FINGERPRINT_PREDICATE = "urn:modelprint:fingerprint:v1"
VERDICT_PREDICATE = "urn:modelprint:verdict:v1"

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Subject(BaseModel):
    """Something the statement is about."""

    model_config = STRICT

    name: str = Field(max_length=500)
    digest: dict[Literal["sha256"], str]


class Predicate(BaseModel):
    """What is said about the subjects: by which tool and when, until when it holds, and the facts."""

    model_config = STRICT

    tool: str
    created: str
    expires: str | None = None
    facts: dict[str, Any]


class _Statement(BaseModel):
    """The statement as it is written."""

    model_config = STRICT

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...] = Field(min_length=1, max_length=100)
    predicateType: str  # noqa: N815  # the name in the specification
    predicate: Predicate


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is signed.

    Attributes:
        subjects: Name -> hexadecimal SHA-256; at least one.
        predicate_type: FINGERPRINT_PREDICATE or VERDICT_PREDICATE.
        facts: Anything that JSON can hold.
        tool: Name and version of the tool that made it.
        created: When it was signed, in UTC.
        expires: When it ceases to hold; never when None.
    """

    subjects: Sequence[tuple[str, str]]
    predicate_type: str
    facts: Mapping[str, Any]
    tool: str
    created: datetime
    expires: datetime | None = None

    def __post_init__(self) -> None:
        if self.expires is not None and self.expires <= self.created:
            raise ValueError(f"a statement of {self.created:%Y-%m-%d} cannot expire before, on {self.expires:%Y-%m-%d}")

    @property
    def digests(self) -> frozenset[str]:
        """The SHA-256 of every subject."""
        return frozenset(digest for _, digest in self.subjects)

    def encode(self) -> bytes:
        """Return the statement as canonical JSON (RFC 8785)."""
        predicate: dict[str, Any] = {"tool": self.tool, "created": _write_time(self.created), "facts": dict(self.facts)}
        if self.expires is not None:
            predicate["expires"] = _write_time(self.expires)
        return rfc8785.dumps(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": predicate,
            }
        )


def parse_statement(content: bytes) -> Statement:
    """Return the statement in the payload of an envelope whose signature was checked.

    Raises:
        SignatureError: Names the first entry that is not as it should be.
    """
    try:
        found = _Statement.model_validate_json(content)
        return Statement(
            subjects=tuple((one.name, one.digest["sha256"]) for one in found.subject),
            predicate_type=found.predicateType,
            facts=found.predicate.facts,
            tool=found.predicate.tool,
            created=_read_time(found.predicate.created),
            expires=None if found.predicate.expires is None else _read_time(found.predicate.expires),
        )
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SignatureError(
            f"the signed statement is not ours: {ascii(where)[1:-1][:80]}: {first['msg']}"
        ) from problem
    except (KeyError, ValueError, RecursionError) as problem:
        raise SignatureError(f"the signed statement cannot be read: {problem}") from problem


def _write_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"a time says its zone, such as 2026-01-31T12:00:00Z, got {ascii(text)[:40]}")
    return time.astimezone(UTC)
