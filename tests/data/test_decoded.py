"""Decoded images are cached by content."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelprint.data import decoded, parquet
from modelprint.data.parquet import read_parquet
from modelprint.errors import DataError

Writer = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPRINT_CACHE", str(tmp_path / "cache"))


def test_decoded_images_are_kept(
    tmp_path: Path, two: list[bytes], write_parquet: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nothing is decoded, even under another name; another size is another entry."""
    path = write_parquet(tmp_path / "a.parquet", two, [1, 0], names=["cat", "dog"])
    first = read_parquet(path, name="first")
    monkeypatch.setattr(parquet, "stack", None)

    second = read_parquet(path.rename(tmp_path / "b.parquet"), name="second")

    assert second.name == "second"
    assert second.digest == first.digest
    with pytest.raises(DataError, match="'NoneType' object is not callable"):
        read_parquet(tmp_path / "b.parquet", size=(1, 1))


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_entry_is_made_anew(
    damage: bytes | None, tmp_path: Path, two: list[bytes], write_parquet: Writer
) -> None:
    """An empty, foreign or bit-flipped entry costs time, never wrong pixels."""
    path = write_parquet(tmp_path / "a.parquet", two, [1, 0])
    fresh = read_parquet(path)
    (entry,) = (tmp_path / "cache" / "images").iterdir()
    whole = entry.read_bytes()
    flipped = whole.replace(bytes([10] * 6), bytes([11] * 6), 1)
    assert flipped != whole
    entry.write_bytes(flipped if damage is None else damage)

    again = read_parquet(path)

    assert again.digest == fresh.digest
    assert len(entry.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, two: list[bytes], write_parquet: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or read-only disk is no reason to stop."""

    def full(path: Path, write: Callable[[Path], None]) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(decoded, "write_atomically", full)

    assert len(read_parquet(write_parquet(tmp_path / "a.parquet", two, [1, 0]))) == 2
