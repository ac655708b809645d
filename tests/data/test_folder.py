"""Folders with one folder per class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import folder
from modelprint.data.folder import list_class_folders, read_folder
from modelprint.errors import DataError

Encoder = Callable[..., bytes]
Painter = Callable[..., np.ndarray]


def put(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_folders_are_classes(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Classes and images are sorted by name; deeper folders count; hidden and other files do not."""
    put(tmp_path / "dog" / "b.png", image_file(colour(30)))
    put(tmp_path / "dog" / "a" / "z.PPM", image_file(colour(20), "PPM"))
    put(tmp_path / "cat" / "1.bmp", image_file(colour(10), "BMP"))
    put(tmp_path / "cat" / ".hidden.png", b"")
    put(tmp_path / "cat" / "notes.txt", b"")
    put(tmp_path / ".git" / "x.png", b"")
    put(tmp_path / "README.md", b"")

    images = read_folder(tmp_path, name="pets")

    assert images.class_names == ("cat", "dog")
    assert images.labels.tolist() == [0, 1, 1]
    assert images.pixels[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert images.name == "pets"


def test_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    """Class 10 comes after class 9, unless some class has a word for a name."""
    for name in ("10", "9", "0"):
        (tmp_path / name).mkdir()
    assert [path.name for path in list_class_folders(tmp_path)] == ["0", "9", "10"]

    (tmp_path / "five").mkdir()
    assert [path.name for path in list_class_folders(tmp_path)] == ["0", "10", "9", "five"]


def test_images_can_be_resized(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Images of different sizes are a set when a size is given; otherwise the odd one is named."""
    put(tmp_path / "cat" / "a.png", image_file(colour(10)))
    put(tmp_path / "cat" / "b.png", image_file(colour(10, height=7)))

    assert read_folder(tmp_path, size=(4, 4)).image_shape == (3, 4, 4)
    with pytest.raises(DataError, match=r"b\.png is 7 x 3 pixels"):
        read_folder(tmp_path)


def test_unusable_folders_are_refused(tmp_path: Path, image_file: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """No classes, an empty class, a damaged image, an endless file: each is named."""
    with pytest.raises(DataError, match="contains no class folders"):
        read_folder(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="cat: contains no images"):
        read_folder(tmp_path)
    put(tmp_path / "cat" / "a.png", b"nothing")
    with pytest.raises(DataError, match=r"a\.png: not a readable image"):
        read_folder(tmp_path)
    monkeypatch.setattr(folder, "FILE_LIMIT", 6)
    with pytest.raises(DataError, match=r"a\.png: 7 bytes, more than the limit of 6"):
        read_folder(tmp_path)


def test_parts_are_not_read_as_classes(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Folders that all hold the same folders; with other folders in each they are classes."""
    for part in ("first", "second"):
        for name in ("cat", "dog"):
            put(tmp_path / part / name / "a.png", image_file(colour(1)))

    with pytest.raises(DataError, match="the folders first, second all hold the folders cat, dog; if these are"):
        read_folder(tmp_path)
    put(tmp_path / "second" / "bird" / "a.png", image_file(colour(1)))
    assert read_folder(tmp_path).class_names == ("first", "second")
