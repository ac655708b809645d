"""The cache folder, and files that come into being whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from modelprint import cache
from modelprint.cache import cache_folder, write_atomically, write_bytes_atomically, write_text_atomically
from modelprint.errors import ModelprintError


def test_the_environment_moves_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`MODELPRINT_CACHE` is the cache folder when it is set, and the user's own when it is not or is empty."""
    monkeypatch.setenv("MODELPRINT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path

    monkeypatch.setenv("MODELPRINT_CACHE", "")
    assert cache_folder().name == "modelprint"


def test_a_written_file_is_there_with_its_folders(tmp_path: Path) -> None:
    """Missing folders are made, the draft has the same ending, and nothing else is left."""
    path = tmp_path / "new" / "file.npz"
    endings: list[str] = []

    def write(draft: Path) -> None:
        endings.append(draft.suffix)
        draft.write_bytes(b"whole")

    write_atomically(path, write)

    assert path.read_bytes() == b"whole"
    assert endings == [".npz"]
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When the writer fails half-way, the old content stays and the draft goes."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(draft: Path) -> None:
        draft.write_bytes(b"ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file_and_not_the_draft(tmp_path: Path) -> None:
    """A full disk gives no name, and a missing draft the name of the draft."""

    def fill(draft: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for write, number in ((fill, errno.ENOSPC), (lambda draft: None, errno.ENOENT)):
        with pytest.raises(OSError) as caught:
            write_atomically(tmp_path / "file", write)
        assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / "file"))


def test_a_user_without_a_home_is_asked_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when the variable does not name one."""

    def homeless(*arguments: object, **options: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(cache, "user_cache_dir", homeless)
    monkeypatch.delenv("MODELPRINT_CACHE")

    with pytest.raises(ModelprintError, match="set HOME, or MODELPRINT_CACHE to a folder"):
        cache_folder()
    monkeypatch.setenv("MODELPRINT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    """A pipe, a link or a device stays what it is."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("mine")

    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/null")):
        with pytest.raises(FileExistsError, match="is not a regular file and is not replaced"):
            write_text_atomically(path, "new")

    assert (tmp_path / "target").read_text() == "mine"
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    """The operating system does not, when a write fails."""

    def fail(draft: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as problem:
        write_atomically(tmp_path / "file", fail)

    assert problem.value.filename == str(tmp_path / "file")


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    """Not one more or less."""
    write_bytes_atomically(tmp_path / "file", b"a\r\n")

    assert (tmp_path / "file").read_bytes() == b"a\r\n"
