"""Parquet files in the layout of the hub."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import parquet
from modelprint.data.parquet import count_parquet, read_parquet
from modelprint.errors import DataError

Encoder = Callable[..., bytes]
Painter = Callable[..., np.ndarray]
Writer = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPRINT_CACHE", str(tmp_path / "cache"))


def test_images_labels_and_names_are_read(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Rows keep their order; names come from the metadata."""
    path = write_parquet(tmp_path / "some.parquet", two, [1, 0], names=["cat", "dog", "eel"])

    images = read_parquet(path)

    assert images.image_shape == (3, 2, 3)
    assert images.pixels[:, 0, 0, 0].tolist() == [10, 20]
    assert images.labels.tolist() == [1, 0]
    assert images.labels.dtype == np.int64
    assert images.class_names == ("cat", "dog", "eel")
    assert images.name == "some.parquet"
    assert count_parquet(path) == 2


def test_the_hubs_own_description_names_the_classes(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Without `class_names`, the names are those of the feature description."""
    path = write_parquet(tmp_path / "a.parquet", two, [1, 0], hub_names=["no", "yes"], columns=("img", "fine_label"))

    assert read_parquet(path).class_names == ("no", "yes")


def test_classes_without_names_are_numbered(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """The highest label tells how many there are."""
    assert read_parquet(write_parquet(tmp_path / "a.parquet", two, [2, 0])).class_names == ("0", "1", "2")


def test_labels_may_be_texts(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Texts are names, in their sorted order."""
    images = read_parquet(write_parquet(tmp_path / "a.parquet", two, ["zebra", "ant"]))

    assert images.class_names == ("ant", "zebra")
    assert images.labels.tolist() == [1, 0]


def test_columns_may_have_any_name_and_hold_bare_bytes(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Columns can be chosen; an image column without a struct is fine."""
    path = write_parquet(tmp_path / "a.parquet", two, [0, 0], columns=("photo", "kind"), as_struct=False)

    assert len(read_parquet(path, image_column="photo", label_column="kind")) == 2
    with pytest.raises(DataError, match="no image column called image or img or Path; its columns are photo, kind"):
        read_parquet(path)


def test_many_row_batches_are_joined(
    tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than one batch come in order, and progress counts each."""
    monkeypatch.setattr(parquet, "BATCH", 3)
    contents = [image_file(colour(level)) for level in range(10)]
    done: list[tuple[int, int]] = []

    images = read_parquet(
        write_parquet(tmp_path / "a.parquet", contents, [0] * 10),
        progress=lambda phase, step, total: done.append((step, total)),
    )

    assert images.pixels[:, 0, 0, 0].tolist() == list(range(10))
    assert done[0] == (0, 10)
    assert done[-1] == (10, 10)


def test_bad_rows_and_columns_are_named(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Missing images, missing labels and labels of another type are told apart."""
    path = tmp_path / "a.parquet"

    with pytest.raises(DataError, match=r"a\.parquet, row 1: column image has no image bytes"):
        read_parquet(write_parquet(path, [two[0], None], [0, 0]))
    with pytest.raises(DataError, match="1 of 2 images have no label"):
        read_parquet(write_parquet(path, two, [0, None]))
    with pytest.raises(DataError, match="labels are double, expected integers or texts"):
        read_parquet(write_parquet(path, two, [0.5, 1.5]))
    with pytest.raises(DataError, match="column label holds int64, expected image files"):
        read_parquet(write_parquet(path, two, [0, 1]), image_column="label")
    with pytest.raises(DataError, match="contains no images"):
        read_parquet(write_parquet(path, [], []))
    with pytest.raises(DataError, match="labels run from -1 to 0"):
        read_parquet(write_parquet(path, two, [-1, 0]))


@pytest.mark.parametrize("names", ["cat", [1, 2], {"a": 1}])
def test_bad_class_names_are_refused(names: object, tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Names that are no list of texts are an error, not a guess."""
    with pytest.raises(DataError, match="not a list of texts"):
        read_parquet(write_parquet(tmp_path / "a.parquet", two, [0, 1], names=names))


def test_a_damaged_file_is_an_error(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """Cut, foreign and missing files are one kind of error."""
    path = write_parquet(tmp_path / "a.parquet", two, [0, 1])
    path.write_bytes(path.read_bytes()[:-20])

    for reader in (read_parquet, count_parquet):
        with pytest.raises(DataError, match=r"a\.parquet: not a readable parquet file"):
            reader(path)
    with pytest.raises(DataError, match="no such file"):
        read_parquet(tmp_path / "b.parquet")


def test_texts_that_are_numbers_are_sorted_as_numbers(tmp_path: Path, two: list[bytes], write_parquet: Writer) -> None:
    """As the names of folders are; with one word among them they are texts."""
    path = tmp_path / "a.parquet"

    assert read_parquet(write_parquet(path, two, ["10", "9"])).class_names == ("9", "10")
    assert read_parquet(write_parquet(path, two * 2, ["10", "9", "x", "9"])).class_names == ("10", "9", "x")


def test_more_rows_than_bytes_are_refused(
    tmp_path: Path, two: list[bytes], write_parquet: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated values cost nothing in a file, but a label is eight bytes in memory."""
    path = tmp_path / "a.parquet"
    write_parquet(path, [two[0]] * 100_000, [0] * 100_000)
    assert path.stat().st_size < 100_000

    with pytest.raises(DataError, match="states 100000 rows, more than it has bytes"):
        read_parquet(path)


def test_labels_and_bytes_of_any_kind_end_in_an_error_of_ours(
    tmp_path: Path, two: list[bytes], write_parquet: Writer
) -> None:
    """A label beyond the limit on classes, flipped bytes, a FIFO."""
    path = tmp_path / "a.parquet"
    with pytest.raises(DataError, match=r"labels run from 0 to 4611686018427387904"):
        read_parquet(write_parquet(path, two, [0, 2**62]))
    whole = write_parquet(path, two, ["a", "b"]).read_bytes()
    for position in range(4, len(whole), 29):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with suppress(DataError):
            read_parquet(path)
    path.unlink()
    os.mkfifo(path)
    for read in (read_parquet, count_parquet):
        with pytest.raises(DataError, match="is not a regular file"):
            read(path)
