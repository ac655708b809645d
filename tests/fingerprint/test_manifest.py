"""A manifest has one spelling, a known format and the members it lists."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.container import read_members, write_members
from modelprint.fingerprint.integrity import Fingerprint

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]


def test_an_unknown_format_is_refused_whatever_else_is_new(
    saved: Path, remade: Remake, reason: Callable[[Path], str]
) -> None:
    """A newer file is not called damaged; the user is told to update."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest.update({"format": 4, "novelty": {}})

    assert reason(remade(saved, change)) == (
        "format 4 is unknown to this version, which reads formats 1 to 3; install a newer modelprint"
    )


@pytest.mark.parametrize("value", [True, "1", None, [1], 1.5])
def test_a_format_is_a_number(saved: Path, value: object, remade: Remake, reason: Callable[[Path], str]) -> None:
    """Nothing that merely equals 1 passes for it."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["format"] = value

    assert reason(remade(saved, change)) == "manifest.json names no format; this is no fingerprint"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"format":1',
        b'{"format":1e999}',
        b'{"format":NaN}',
        b'{"format":' + b"9" * 5000 + b"}",
        b'"\\ud800"',
    ],
)
def test_a_manifest_that_is_no_json_object_is_refused(
    saved: Path, content: bytes, with_manifest: Callable[[Path, bytes], Path], reason: Callable[[Path], str]
) -> None:
    """Broken text, endless nesting, endless and impossible numbers."""
    assert reason(with_manifest(saved, content)).startswith("manifest.json ")


def test_a_missing_manifest_is_said_to_be_missing(saved: Path, reason: Callable[[Path], str]) -> None:
    """An archive of pictures is no fingerprint."""
    members = read_members(saved)
    del members["manifest.json"]
    write_members(saved, members)

    assert reason(saved).startswith("manifest.json is missing or damaged")


@pytest.mark.parametrize("spoil", ["space", "order", "duplicate", "escape", "number"])
def test_only_the_canonical_spelling_is_read(
    saved: Path,
    spoil: str,
    example: Callable[..., Fingerprint],
    with_manifest: Callable[[Path, bytes], Path],
    reason: Callable[[Path], str],
) -> None:
    """One fingerprint has one manifest and so one digest."""
    good = example().manifest
    record = json.loads(good)
    content = {
        "space": good + b" ",
        "order": json.dumps(dict(reversed(record.items())), separators=(",", ":"), ensure_ascii=False).encode(),
        "duplicate": good.replace(b'"format":1', b'"format":2,"format":1'),
        "escape": good.replace("二".encode(), b"\\u4e8c"),
        "number": good.replace(b'"seed":7', b'"seed":7.0'),
    }[spoil]
    assert content != good

    assert "not canonical JSON" in reason(with_manifest(saved, content))


def test_members_and_manifest_agree(
    saved: Path, example: Callable[..., Fingerprint], remade: Remake, reason: Callable[[Path], str]
) -> None:
    """No picture too few, none too many."""
    remade(saved, lambda manifest, members: members.pop("samples/0004.png"))
    assert reason(saved) == "samples/0004.png is missing"

    example().save(saved)
    remade(saved, lambda manifest, members: members.update({"sources/0000.png": b"x"}))
    assert reason(saved) == "sources/0000.png is not listed in manifest.json"

    example().save(saved)
    remade(saved, lambda manifest, members: manifest["members"].pop("samples/0002.png"))
    assert reason(saved) == "manifest.json has 5 samples but does not list samples/0002.png"
