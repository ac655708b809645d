"""`fetched.json`, the record of the first download of each file, kept beside the files.

{"format": 1, "files": {"train.parquet": {"url": "https://...", "size": 1, "sha256": "...", "checked": "..."}}}
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelprint.cache import write_text_atomically
from modelprint.errors import DataError
from modelprint.files import open_regular

LOCK = "fetched.json"
FORMAT = 1
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class FetchRecord:
    """The record of one fetched file.

    Attributes:
        url: Its source.
        size: Bytes.
        sha256: Hexadecimal SHA-256 of its content.
        checked: What it was compared with after the download, in words.
    """

    url: str
    size: int
    sha256: str
    checked: str


def read_record(path: Path) -> FetchRecord | None:
    """Return the record of the file at `path`; None when it was never fetched.

    Raises:
        DataError: `fetched.json` is damaged.
    """
    entry = _read(path.with_name(LOCK)).get(path.name)
    if entry is None:
        return None
    try:
        record = FetchRecord(**entry)
    except TypeError as problem:
        raise _make_error(path.with_name(LOCK), f"entry {path.name}: {problem}") from problem
    if type(record.size) is not int or not isinstance(record.sha256, str) or not SHA256.fullmatch(record.sha256):
        raise _make_error(path.with_name(LOCK), f"entry {path.name} has no size or no SHA-256")
    return record


def write_record(path: Path, record: FetchRecord) -> None:
    """Write `record` for the file at `path`; the records of other files stay."""
    lock = path.with_name(LOCK)
    files = _read(lock) | {path.name: asdict(record)}
    text = json.dumps({"format": FORMAT, "files": files}, indent=2, sort_keys=True) + "\n"
    write_text_atomically(lock, text)


def _read(lock: Path) -> dict[str, Any]:
    if not lock.exists():
        return {}
    try:
        with open_regular(lock, DataError) as file:
            content = json.loads(file.read().decode())
    except (ValueError, RecursionError) as problem:
        raise _make_error(lock, str(problem)) from problem
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("files"), dict):
        raise _make_error(lock, f"it is not a record of format {FORMAT}")
    files: dict[str, Any] = content["files"]
    return files


def _make_error(lock: Path, reason: str) -> DataError:
    return DataError(f"{lock}: {reason}; delete it, and the next download is recorded again")
