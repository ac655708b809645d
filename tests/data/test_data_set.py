"""Data sets, splitting and joining."""

from dataclasses import replace

import numpy as np
import pytest

from modelprint.data import DataSet, LabelledImages
from modelprint.data import split as split_images
from modelprint.data.data_set import join, set_aside
from modelprint.errors import DataError


def images_of(labels: list[int], classes: int = 3, shape: tuple[int, int, int] = (1, 2, 2)) -> LabelledImages:
    """Return images whose first level is their index."""
    pixels = np.zeros((len(labels), *shape), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(len(labels))
    names = tuple(f"class {label}" for label in range(classes))
    return LabelledImages(pixels=pixels, labels=np.array(labels, np.int64), class_names=names, name="these")


def firsts(images: LabelledImages) -> list[int]:
    """Return the indices that `images_of` put into the pixels."""
    return images.pixels[:, 0, 0, 0].tolist()


def test_every_class_is_split_alike() -> None:
    """A fifth of each class is set aside, no image is lost or doubled, and order is kept."""
    images = images_of([0] * 10 + [1] * 50 + [2] * 5)

    data = split_images(images, name="x")

    assert np.bincount(data.test.labels).tolist() == [2, 10, 1]
    assert sorted(firsts(data.train) + firsts(data.test)) == list(range(65))
    assert firsts(data.train) == sorted(firsts(data.train))
    assert (data.train.name, data.test.name) == ("x/train", "x/test")
    assert data.class_names == images.class_names
    assert data.image_shape == (1, 2, 2)


def test_a_split_is_the_same_for_ever() -> None:
    """The seed alone decides. These indices were written down when the rule was made; they must never change."""
    images = images_of([0] * 20)

    assert firsts(split_images(images, name="x", seed=0).test) == [4, 7, 15, 18]
    assert firsts(split_images(images, name="x", seed=1).test) != firsts(split_images(images, name="x", seed=0).test)


def test_classes_of_one_image_stay_in_training() -> None:
    """A single image is not taken from its class, unless every class has only one."""
    assert 0 not in split_images(images_of([0, 1, 1, 1]), name="x").test.labels

    alone = split_images(images_of([0, 1, 2]), name="x", test_share=0.4)
    assert (len(alone.train), len(alone.test)) == (2, 1)


def test_what_cannot_be_split_is_refused() -> None:
    """One image makes no two parts, and a share is a share."""
    with pytest.raises(DataError, match=r"x: 1 image\(s\) cannot be split"):
        split_images(images_of([0]), name="x")
    for share in (0.0, 1.0, -0.5):
        with pytest.raises(ValueError, match="test_share lies between 0 and 1"):
            split_images(images_of([0, 0]), name="x", test_share=share)


def test_parts_have_to_fit() -> None:
    """Shape and classes of training and test images are the same, and neither part is empty."""
    images = images_of([0, 1])

    with pytest.raises(DataError, match="training images are 1 x 2 x 2, but test images are 3 x 2 x 2"):
        DataSet(name="x", train=images, test=images_of([0], shape=(3, 2, 2)))
    with pytest.raises(DataError, match="the 3 classes of the training images are not the 2 classes"):
        DataSet(name="x", train=images, test=images_of([0], classes=2))
    with pytest.raises(DataError, match="there are no images in these"):
        DataSet(name="x", train=images, test=images.take([]))


def test_the_digest_sees_both_parts() -> None:
    """One changed level in the test part changes it; the name does not."""
    images = images_of([0, 1])
    data = DataSet(name="x", train=images, test=images)
    other = replace(images, pixels=images.pixels + np.uint8(1))

    assert data.digest == DataSet(name="y", train=images, test=images).digest
    assert data.digest != DataSet(name="x", train=images, test=other).digest


def test_joining_keeps_the_order() -> None:
    """Shards come one after the other, when they fit."""
    first, second = images_of([0, 1]), images_of([2])

    joined = join([first, second], "all")

    assert joined.labels.tolist() == [0, 1, 2]
    assert joined.name == "all"
    with pytest.raises(DataError, match="other classes"):
        join([first, images_of([0], classes=2)], "all")
    with pytest.raises(DataError, match="has images of 3 x 2 x 2, but these of 1 x 2 x 2"):
        join([first, images_of([0], shape=(3, 2, 2))], "all")


def test_what_is_set_aside_becomes_spare_and_nothing_is_lost() -> None:
    """A quarter of each class stays, every training image is in one of the two, the test images are as they were."""
    data = split_images(images_of([0] * 50 + [1] * 100), name="x")

    part = set_aside(data, 0.25)

    assert part.spare is not None
    assert np.bincount(part.train.labels).tolist() == [10, 20]
    assert sorted(firsts(part.train) + firsts(part.spare)) == sorted(firsts(data.train))
    assert part.test.digest == data.test.digest
    assert (part.name, part.train.name, part.spare.name) == ("x@0.25", "x@0.25/train", "x@0.25/spare")


def test_spare_images_count_in_the_digest_where_there_are_any() -> None:
    """The same training and test images with and without spare ones are two data sets."""
    part = set_aside(split_images(images_of([0] * 50 + [1] * 100), name="x"), 0.5)

    alone = replace(part, spare=None)

    assert alone.part_digests == part.part_digests[:2]
    assert alone.digest != part.digest


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_part_is_neither_nothing_nor_all(share: float) -> None:
    """Something is to be learnt, and something set aside."""
    with pytest.raises(ValueError, match="training images to keep lies between 0 and 1"):
        set_aside(split_images(images_of([0] * 20), name="x"), share)
