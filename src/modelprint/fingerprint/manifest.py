"""The manifests of all `.mprint` files: canonical JSON, read with suspicion. Needs no torch.

A file of kind "integrity" says whether a model was changed; its manifest names no kind, as the first files did. One of
kind "ownership" says whether a model is a copy.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, ValidationError

from modelprint.errors import FingerprintError
from modelprint.fingerprint.container import MANIFEST, read_members
from modelprint.fingerprint.parts import EXACT_INTEGER

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
INTEGRITY = "integrity"
OWNERSHIP = "ownership"
MEANT_FOR = {
    INTEGRITY: "this file says whether a model was changed; check it with: modelprint verify",
    OWNERSHIP: "this file says whether a model is a copy; check it with: modelprint own check",
}
"""What to tell who opens a file of another kind."""

Checked = TypeVar("Checked", bound=BaseModel)


class Member(BaseModel):
    """Size and hash of one member."""

    model_config = STRICT

    sha256: str
    size: int


def describe_members(contents: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """Return the entries of a manifest about its members: size and SHA-256 of each."""
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in contents.items()
    }


def encode_canonical(record: Mapping[str, Any]) -> bytes:
    """Return `record` as canonical JSON (RFC 8785); ValueError when JSON cannot hold it."""
    try:
        return rfc8785.dumps(dict(record))
    except rfc8785.CanonicalizationError as problem:
        raise ValueError(f"the manifest cannot be written as canonical JSON: {problem}") from problem


def read_record(content: bytes, kind: str, newest: int) -> dict[str, Any]:
    """Return the JSON object in a manifest, or raise ValueError saying in one line what is wrong with it.

    Args:
        content: Bytes of the manifest.
        kind: INTEGRITY or OWNERSHIP: which is wanted.
        newest: Highest format number of that kind that is known.
    """
    try:
        record = json.loads(content, parse_int=_read_whole)
        spelled = rfc8785.dumps(record)
    except (ValueError, OverflowError, RecursionError, rfc8785.CanonicalizationError) as problem:
        raise ValueError(f"{MANIFEST} is missing or damaged: {problem}") from problem
    if not isinstance(record, dict) or type(record.get("format")) is not int:  # true is 1 to isinstance and ==
        raise ValueError(f"{MANIFEST} names no format; this is no fingerprint")
    if name_kind(record) != kind:
        raise ValueError(MEANT_FOR[name_kind(record)])
    if not 1 <= record["format"] <= newest:
        found = f"format {str(record['format'])[:20]} is unknown to this version"
        raise ValueError(f"{found}, which reads formats 1 to {newest}; install a newer modelprint")
    if spelled != content:
        raise ValueError(f"{MANIFEST} is not canonical JSON (RFC 8785); it was changed after it was written")
    return record


def name_kind(record: Mapping[str, Any]) -> str:
    """Return which kind of file a manifest belongs to."""
    return OWNERSHIP if record.get("kind") == OWNERSHIP else INTEGRITY


def read_kind(path: Path) -> str:
    """Return the kind of the file at `path`; only its container is checked.

    Raises:
        FingerprintError: It is no .mprint file.
    """
    try:
        record = json.loads(read_members(path).get(MANIFEST, b""))
    except (ValueError, RecursionError) as problem:
        raise FingerprintError(f"{path}: {MANIFEST} is missing or damaged: {problem}") from problem
    return name_kind(record) if isinstance(record, dict) else INTEGRITY


def parse_manifest(model: type[Checked], content: bytes) -> Checked:
    """Return the manifest as `model`; ValueError names the first entry that is wrong."""
    try:
        return model.model_validate_json(content)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = "".join(f"{part}: " for part in [ascii(".".join(map(str, first["loc"])))[1:-1]] if part)
        raise ValueError(f"{MANIFEST}: {where}{first['msg'].removeprefix('Value error, ')}") from problem


def check_members(
    promised: Mapping[str, Member],
    found: Mapping[str, bytes],
    *,
    holds: str,
    needed: Collection[str],
    allowed: Collection[str],
) -> None:
    """Compare the members with those that the manifest lists, and these with the required and allowed names.

    Args:
        promised: Size and hash of each member, by the manifest.
        found: Content of each member.
        holds: What members belong to, for messages, e.g. "5 samples".
        needed: Names that have to be there.
        allowed: Names that may be there.

    Raises:
        ValueError: Names the first member that is missing, stray, or not what was promised.
    """
    if missing := sorted(set(needed) - promised.keys()):
        raise ValueError(f"{MANIFEST} has {holds} but does not list {missing[0]}")
    if stray := sorted(promised.keys() - set(allowed)):
        raise ValueError(f"{MANIFEST} lists {ascii(stray[0])[:80]}, which belongs to none of its {holds}")
    if missing := sorted(promised.keys() - found.keys()):
        raise ValueError(f"{missing[0]} is missing")
    if extra := sorted(found.keys() - promised.keys()):
        raise ValueError(f"{extra[0]} is not listed in {MANIFEST}")
    for name, member in promised.items():
        if member.size != len(found[name]):
            raise ValueError(f"{name} has {len(found[name])} bytes, but {MANIFEST} says {member.size}")
        digest = hashlib.sha256(found[name]).hexdigest()
        if member.sha256 != digest:
            raise ValueError(f"{name} was changed: its SHA-256 is {digest}, but {MANIFEST} says {member.sha256[:64]}")


def check_printable(value: object) -> None:
    """Raise ValueError for control characters, which a terminal obeys, and surrogates, which no file can hold."""
    for text in _list_texts(value):
        if not text.isprintable():
            raise ValueError(f"a text holds characters that cannot be printed: {ascii(text)[:80]}")


def _read_whole(text: str) -> int | float:
    """Return a number without a point: large floats are written so in canonical JSON, integers stay below 2**53."""
    number = int(text)
    return number if abs(number) <= EXACT_INTEGER else float(number)


def _list_texts(value: object) -> Iterator[str]:
    """Yield every text in nested lists and dictionaries, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _list_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _list_texts(inner)
