"""A statement to sign."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from modelprint.signing.statement import FINGERPRINT_PREDICATE, Statement

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)


def make_statement(**changes: Any) -> Statement:
    """Return a statement about two digests."""
    values: dict[str, Any] = {
        "subjects": (("fingerprint", "ab" * 32), ("weights", "cd" * 32)),
        "predicate_type": FINGERPRINT_PREDICATE,
        "facts": {"kind": "integrity"},
        "tool": "modelprint 1",
        "created": TIME,
        "expires": TIME + timedelta(days=1),
    }
    return Statement(**values | changes)


@pytest.fixture(name="make_statement")
def fixture_make_statement() -> Callable[..., Statement]:
    """Return a function that makes a statement of noon on 31 January 2026 which holds for a day."""
    return make_statement
