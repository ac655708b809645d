"""The record of first downloads is read as written, and a damaged one is an error."""

from pathlib import Path

import pytest

from modelprint.data.lock import LOCK, FetchRecord, read_record, write_record
from modelprint.errors import DataError

FIRST = FetchRecord(url="https://a.example/train", size=3, sha256="ab" * 32, checked="nothing")
SECOND = FetchRecord(url="https://a.example/test", size=5, sha256="cd" * 32, checked="the checksum")


def test_records_of_neighbours_stay(tmp_path: Path) -> None:
    """Two files share one record file; a new record replaces that of its own file only."""
    write_record(tmp_path / "train.parquet", FIRST)
    write_record(tmp_path / "test.parquet", FIRST)
    write_record(tmp_path / "test.parquet", SECOND)

    assert read_record(tmp_path / "train.parquet") == FIRST
    assert read_record(tmp_path / "test.parquet") == SECOND
    assert [file.name for file in tmp_path.iterdir()] == [LOCK]


def test_a_file_that_was_never_fetched_has_no_record(tmp_path: Path) -> None:
    """Without a record file, and beside the records of others."""
    assert read_record(tmp_path / "x.parquet") is None
    write_record(tmp_path / "train.parquet", FIRST)
    assert read_record(tmp_path / "x.parquet") is None


@pytest.mark.parametrize("sha256", ["ab" * 31, "AB" * 32, "gh" * 32])
def test_a_checksum_that_is_none_is_refused(sha256: str, tmp_path: Path) -> None:
    """64 lower-case hexadecimal digits; the error names the entry and what to do."""
    entry = f'{{"url": "x", "size": 1, "sha256": "{sha256}", "checked": ""}}'
    (tmp_path / LOCK).write_text(f'{{"format": 1, "files": {{"a.parquet": {entry}}}}}')

    with pytest.raises(DataError, match=r"entry a\.parquet has no size or no SHA-256; delete it"):
        read_record(tmp_path / "a.parquet")
