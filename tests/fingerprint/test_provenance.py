"""The provenance of samples is checked before the first of them is made."""

from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import pytest

from modelprint.data import DataSet
from modelprint.fingerprint.parts import UNKNOWN_MODEL
from modelprint.fingerprint.provenance import provenance_of

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_it_names_model_data_method_and_time(split: DataSet) -> None:
    """The time in UTC, the settings as plain JSON, no sample yet."""
    there = NOON.astimezone(timezone(timedelta(hours=5)))

    made = provenance_of("net", UNKNOWN_MODEL, split, "walk", {"rate": 0.5, "names": ("a",)}, 7, there)

    assert (made.network, made.method, made.seed, made.data) == ("net", "walk", 7, split.name)
    assert made.data_sha256 == split.digest
    assert made.settings == {"rate": 0.5, "names": ["a"]}
    assert made.created == "2026-01-31T12:00:00Z"
    assert made.version == version("modelprint")
    assert (made.crafted, made.lost_rounding, made.lost_steadiness) == (0, 0, 0)


def test_what_no_file_can_hold_is_refused(split: DataSet) -> None:
    """A time without a zone, settings that JSON cannot carry."""
    with pytest.raises(ValueError, match="created says no time zone: 2026-01-31T12:00:00"):
        provenance_of("net", UNKNOWN_MODEL, split, "walk", {}, 7, NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="the settings of walk cannot be written as JSON"):
        provenance_of("net", UNKNOWN_MODEL, split, "walk", {"large": 2**53}, 7, NOON)
