"""Whether answers fit the labels of the data, and what a refusal says."""

import numpy as np
import pytest

from modelprint.data import DataSet, LabelledImages
from modelprint.errors import CraftingError
from modelprint.generation.agreement import Agreement, check_agreement, measure_agreement, pick_ordinary


def images(names: tuple[str, ...], each: int = 10) -> LabelledImages:
    """Return blank images, `each` of every class."""
    labels = np.arange(len(names), dtype=np.int64).repeat(each)
    return LabelledImages(
        pixels=np.zeros((len(labels), 1, 2, 2), dtype=np.uint8), labels=labels, class_names=names, name="set/test"
    )


def test_right_answers_pass() -> None:
    """The accuracy is stated with its interval."""
    given = images(("a", "b", "c", "d"))
    found = measure_agreement(given, given.labels)

    check_agreement(found, given, "net")
    assert str(found) == "100.0% of 40 ordinary images (95% interval 91.2% to 100.0%)"


def test_another_order_is_named_with_both_orders() -> None:
    """Class folders 1 to 10, read as numbers here and as text by the tool that trained the network."""
    names = tuple(str(number) for number in range(1, 11))
    given = images(names)
    answers = np.array([sorted(names).index(names[label]) for label in given.labels])

    with pytest.raises(CraftingError) as caught:
        check_agreement(measure_agreement(given, answers), given, "net")

    said = str(caught.value)
    assert "net gives 10.0% of 100 ordinary images" in said
    assert "100.0% when the classes are in text order: the data has 1, 2, 3, 4, ... (10 classes)" in said
    assert "that order is 1, 10, 2, 3, ... (10 classes); give the order of the network with --class-names" in said


def test_labels_that_begin_with_one_are_named() -> None:
    """The network answers one more than the data says."""
    given = images(("a", "b", "c", "d", "e"))
    answers = np.minimum(given.labels + 1, 4)

    with pytest.raises(CraftingError, match=r"80\.0% when the classes are in counted from 1"):
        check_agreement(measure_agreement(given, answers), given, "net")


def test_chance_is_refused() -> None:
    """It says what may be wrong and how to go on."""
    given = images(("a", "b", "c", "d"))
    answers = np.arange(len(given), dtype=np.int64) % 4

    with pytest.raises(CraftingError, match=r"near chance for 4 classes; is the normal.*--any-accuracy"):
        check_agreement(measure_agreement(given, answers), given, "net")


@pytest.mark.parametrize(
    ("agreed", "asked", "classes", "near"),
    [
        (10, 20, 2, True),  # guessing does that in half of the cases
        (17, 20, 2, False),  # in 0.13 %
        (190, 1000, 10, True),  # far from guessing, but below twice as often
        (250, 1000, 10, False),
        (2, 1000, 1000, True),
        (9, 1000, 1000, False),
    ],
)
def test_near_chance_is_a_test_and_a_floor(agreed: int, asked: int, classes: int, near: bool) -> None:
    """With few classes twice the chance is much, so only the test counts there."""
    assert Agreement(agreed=agreed, asked=asked, classes=classes).is_near_chance is near


def test_ordinary_images_are_drawn_by_the_seed(split: DataSet) -> None:
    """Some of them, each once; all where there are fewer."""
    one, other = (pick_ordinary(split.test, 10, seed) for seed in (1, 2))

    assert len({image.tobytes() for image in one.pixels}) == 10
    assert not np.array_equal(one.pixels, other.pixels)
    assert len(pick_ordinary(split.test, 10_000, 1)) == len(split.test)
