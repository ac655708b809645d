"""Class names in the order of a network: images keep their class and get its number there."""

from pathlib import Path

import numpy as np
import pytest

from modelprint.data import DataSet
from modelprint.data.relabel import read_class_names, relabel
from modelprint.errors import DataError


def test_images_keep_their_class(split: DataSet) -> None:
    """Whatever the order, the name of the class of each image stays."""
    names = ("bottom right", "top left", "bottom left", "top right")

    moved = relabel(split, names)

    assert moved.class_names == names
    for before, after in ((split.train, moved.train), (split.test, moved.test)):
        assert [before.class_names[label] for label in before.labels] == [names[label] for label in after.labels]


def test_a_network_may_know_more_classes(split: DataSet) -> None:
    """Those have no images."""
    moved = relabel(split, ("new", *split.class_names))

    np.testing.assert_array_equal(moved.train.labels, split.train.labels + 1)
    assert len(moved.class_names) == 5


def test_other_names_are_names_in_the_order_of_the_data(split: DataSet) -> None:
    """Labels stay as they are."""
    moved = relabel(split, ("a", "b", "c", "d"))

    np.testing.assert_array_equal(moved.test.labels, split.test.labels)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("top left", "top right", "bottom left", "x"), ("a",) * 5])
def test_names_that_fit_in_part_are_refused(names: tuple[str, ...], split: DataSet) -> None:
    """Which of them would be meant is not known."""
    with pytest.raises(DataError, match="are not among the"):
        relabel(split, names)


def test_names_come_from_a_line_or_a_file(tmp_path: Path) -> None:
    """One on each line of a file may have a comma."""
    (tmp_path / "names.txt").write_text("cat\ndog, small\n")

    assert read_class_names("cat, dog") == ("cat", "dog")
    assert read_class_names(str(tmp_path / "names.txt")) == ("cat", "dog, small")


@pytest.mark.parametrize(
    ("text", "expected"), [("cat", "two or more"), ("cat,,dog", "two or more"), ("cat,dog,cat", "'cat' is there twice")]
)
def test_what_is_no_list_of_names_is_refused(text: str, expected: str) -> None:
    """Empty and repeated names too."""
    with pytest.raises(DataError, match=expected):
        read_class_names(text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """With its path."""
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DataError, match=r"names\.txt: the class names cannot be read"):
        read_class_names(str(tmp_path / "names.txt"))
