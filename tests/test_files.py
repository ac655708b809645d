"""Only regular files are opened, and whatever a reader raises becomes one error."""

import os
import zlib
from pathlib import Path

import pytest

from modelprint.errors import DataError, LoadingError
from modelprint.files import LFS_START, open_regular, refuse_damage


def test_a_regular_file_is_read_from_its_first_byte(tmp_path: Path) -> None:
    """A link to one too."""
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "a")

    for name in ("a", "link"):
        with open_regular(tmp_path / name, DataError) as file:
            assert file.read() == b"content"


def test_what_would_block_or_never_end_is_refused(tmp_path: Path) -> None:
    """A FIFO without a writer returns at once; devices and folders are no files either."""
    os.mkfifo(tmp_path / "fifo")

    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(LoadingError, match="is not a regular file"):
            open_regular(path, LoadingError)


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A missing file, a name that no system takes, a loop of links."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(DataError, match="missing: no such file"):
        open_regular(tmp_path / "missing", DataError)
    for name in ("nul\0", "loop"):
        with pytest.raises(DataError, match="cannot be opened"):
            open_regular(tmp_path / name, DataError)


def test_a_pointer_of_git_lfs_gets_a_hint(tmp_path: Path) -> None:
    """It stands where the file should be."""
    (tmp_path / "weights.safetensors").write_bytes(LFS_START + b"v1\noid sha256:0\nsize 1\n")

    with pytest.raises(LoadingError, match=r"is a Git LFS pointer.*git lfs pull"):
        open_regular(tmp_path / "weights.safetensors", LoadingError)


@pytest.mark.parametrize(
    "problem", [zlib.error("bad"), RecursionError("deep"), OverflowError("huge"), MemoryError(), KeyError("key")]
)
def test_damage_is_one_error(problem: Exception) -> None:
    """With the reason, or the kind of the error where it gives none."""
    with pytest.raises(DataError, match=r"^a\.npz: damaged \(.+\)$"), refuse_damage("a.npz: damaged", DataError):
        raise problem


def test_an_error_that_is_one_already_passes() -> None:
    """So does what is no error of a reader."""
    with pytest.raises(DataError, match=r"^mine$"), refuse_damage("a", DataError):
        raise DataError("mine")
    with pytest.raises(KeyboardInterrupt), refuse_damage("a", DataError):
        raise KeyboardInterrupt
