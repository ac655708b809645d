"""IDX files, honest and hostile."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import images as image_limits
from modelprint.data.idx import count_idx, read_idx, read_idx_array
from modelprint.errors import DataError


def idx(array: np.ndarray, *, kind: int = 8) -> bytes:
    """Return `array` as an IDX file."""
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def put(path: Path, content: bytes) -> Path:
    """Write `content`, gzipped when the ending says so."""
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_pair_is_read(ending: str, tmp_path: Path) -> None:
    """Grey images get one channel; classes are numbered when they have no names."""
    levels = np.arange(12).reshape(2, 2, 3)
    images = put(tmp_path / f"images{ending}", idx(levels))
    labels = put(tmp_path / f"labels{ending}", idx(np.array([1, 0])))

    read = read_idx(images, labels)

    assert read.image_shape == (1, 2, 3)
    assert np.array_equal(read.pixels[:, 0], levels)
    assert read.labels.tolist() == [1, 0]
    assert read.class_names == ("0", "1")
    assert read_idx(images, labels, class_names=("a", "b", "c"), name="x").class_names == ("a", "b", "c")
    assert count_idx(images) == 2


def test_colour_comes_with_the_channels_last(tmp_path: Path) -> None:
    """Four axes are count, height, width, channels."""
    levels = np.arange(12).reshape(1, 2, 2, 3)

    read = read_idx(put(tmp_path / "i", idx(levels)), put(tmp_path / "l", idx(np.array([0]))))

    assert read.pixels[0, :, 0, 1].tolist() == [3, 4, 5]


def test_swapped_and_mismatched_files_are_refused(tmp_path: Path) -> None:
    """Labels are no images, images are no labels, and both have to be as many."""
    images = put(tmp_path / "i", idx(np.zeros((2, 2, 2))))
    labels = put(tmp_path / "l", idx(np.zeros(3)))

    with pytest.raises(DataError, match="1 axes of sizes"):
        read_idx(labels, images)
    with pytest.raises(DataError, match="are the two files swapped"):
        read_idx(images, images)
    with pytest.raises(DataError, match="2 images but 3 labels"):
        read_idx(images, labels)
    with pytest.raises(DataError, match="a side is 1 to 4096"):
        read_idx(put(tmp_path / "e", idx(np.zeros((2, 0, 2)))), labels)


WHOLE = idx(np.zeros((2, 2, 3)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an IDX file"),
        (b"PK\x03\x04", "not an IDX file"),
        (b"\0\0\x0d\x01" + bytes(8), "entries of type 0x0d"),
        (b"\0\0\x08\x00", "0 axes"),
        (b"\0\0\x08\x05" + bytes(20), "5 axes"),
        (WHOLE[:10], "ends inside its header"),
        (WHOLE[:-1], "states 2 x 2 x 3|ends after 11 of 12"),
        (WHOLE + b"\0", "more bytes than its header states"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "more than a file of this length can hold"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_file_that_lies_is_refused(content: bytes, reason: str, ending: str, tmp_path: Path) -> None:
    """Wrong, short, long and boastful files are told apart, plain or gzipped."""
    with pytest.raises(DataError, match=reason):
        read_idx_array(put(tmp_path / f"file{ending}", content))


def test_a_short_plain_file_is_seen_while_reading(tmp_path: Path) -> None:
    """A file whose header fits its length may still be one byte short."""
    with pytest.raises(DataError, match="ends after 11 of 12 bytes"):
        read_idx_array(put(tmp_path / "file", WHOLE[:-1]))


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A hundred mebibytes of zeros behind a header of twelve bytes are left packed."""
    with pytest.raises(DataError, match="more bytes than its header states"):
        read_idx_array(put(tmp_path / "bomb.gz", WHOLE + bytes(100 * 2**20)))


def test_the_limit_on_pixels_holds_here_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits the file may still be too much for memory."""
    monkeypatch.setattr(image_limits, "DECODED_LIMIT", 11)

    with pytest.raises(DataError, match="2 x 2 x 3 pixels are more than the limit"):
        read_idx_array(put(tmp_path / "file", WHOLE))


def test_damaged_and_missing_files_are_errors_of_ours(tmp_path: Path) -> None:
    """Trouble of gzip and of the disk comes as a DataError that names the file."""
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(WHOLE)[:-12])
    foreign = tmp_path / "foreign.gz"
    foreign.write_bytes(WHOLE)

    for reader in (read_idx_array, count_idx):
        with pytest.raises(DataError, match=r"foreign\.gz: not a readable IDX file"):
            reader(foreign)
        with pytest.raises(DataError, match=r"missing: no such file|missing: not a readable"):
            reader(tmp_path / "missing")
    with pytest.raises(DataError, match=r"cut\.gz"):
        read_idx_array(cut)


def test_any_bytes_end_in_an_error_of_ours(tmp_path: Path) -> None:
    """A stream that is cut, damaged inside, or none at all; a FIFO is not waited for."""
    path = tmp_path / "images.gz"
    whole = gzip.compress(idx(np.arange(400).reshape(4, 10, 10) % 251))
    for content in (whole[:-9], whole[:15] + b"\xff" * 30 + whole[45:], b"\x1f\x8b\x08\x04", b"", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"images\.gz"):
            read_idx_array(path)
    path.unlink()
    os.mkfifo(path)
    for read in (read_idx_array, count_idx):
        with pytest.raises(DataError, match="is not a regular file"):
            read(path)
