"""Statements: what is written is read again, and nothing else is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785

from modelprint.errors import SignatureError
from modelprint.signing.statement import FINGERPRINT_PREDICATE, Statement, parse_statement

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
Make = Callable[..., Statement]


@pytest.mark.parametrize("expires", [None, TIME + timedelta(days=1)])
def test_a_statement_is_read_as_it_was_written(make_statement: Make, expires: datetime | None) -> None:
    """With and without a last day."""
    statement = make_statement(expires=expires)

    assert parse_statement(statement.encode()) == statement


def test_it_is_an_in_toto_statement(make_statement: Make) -> None:
    """The entries that the specification asks for, in canonical JSON."""
    content = make_statement().encode()
    record = json.loads(content)

    assert record["_type"] == "https://in-toto.io/Statement/v1"
    assert record["subject"][0] == {"name": "fingerprint", "digest": {"sha256": "ab" * 32}}
    assert record["predicateType"] == FINGERPRINT_PREDICATE
    assert record["predicate"]["expires"] == "2026-02-01T12:00:00Z"
    assert rfc8785.dumps(record) == content


def test_times_are_written_in_utc(make_statement: Make) -> None:
    """Whatever zone they were given in."""
    local = TIME.astimezone(timezone(timedelta(hours=5)))

    assert make_statement(created=local, expires=None).encode() == make_statement(expires=None).encode()


def test_it_cannot_end_before_it_begins(make_statement: Make) -> None:
    """A typing error in the year is found when signing."""
    with pytest.raises(ValueError, match="of 2026-01-31 cannot expire before, on 2025-01-31"):
        make_statement(expires=TIME - timedelta(days=365))


def _change(record: dict[str, Any], *path: Any, value: Any) -> None:
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("_type",), "https://in-toto.io/Statement/v0.1"),
        (("subject",), []),
        (("subject", 0, "digest"), {"md5": "ab"}),
        (("subject", 0, "digest"), {}),
        (("predicate", "created"), "yesterday"),
        (("predicate", "created"), "2026-01-31T12:00:00"),
        (("predicate", "expires"), "2020-01-31T12:00:00Z"),
        (("predicate", "extra"), 1),
        (("predicate",), None),
    ],
)
def test_other_statements_are_refused(make_statement: Make, path: tuple[Any, ...], value: Any) -> None:
    """One entry is wrong; the message is printable."""
    record = json.loads(make_statement().encode())
    _change(record, *path, value=value)

    with pytest.raises(SignatureError) as refused:
        parse_statement(json.dumps(record).encode())

    assert str(refused.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"_type": 1e999}'])
def test_other_bytes_are_refused(content: bytes) -> None:
    """In the same way."""
    with pytest.raises(SignatureError, match="the signed statement"):
        parse_statement(content)
