"""Arrangements of files are read as data sets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from modelprint.data import list_sets, load_data


def test_traffic_signs_of_all_sizes_become_one_size(
    nowhere: Path,
    write_parquet: Callable[..., Path],
    image_file: Callable[..., bytes],
    colour: Callable[..., np.ndarray],
) -> None:
    """Those from the hub are resized and get their names, which the hub's files do not have."""
    contents = [image_file(colour(7, height=side, width=side + 3)) for side in (15, 40)]
    for part in ("train", "test"):
        write_parquet(nowhere / "gtsrb" / f"{part}.parquet", contents, [0, 42], columns=("Path", "ClassId"))

    data = load_data("gtsrb")

    assert data.image_shape == (3, 32, 32)
    assert data.class_names[14] == "Stop"
    assert len(data.class_names) == 43


def test_one_image_of_each_class_is_split_over_the_classes(
    nowhere: Path, write_parquet: Callable[..., Path], image_file: Callable[..., bytes]
) -> None:
    """The ImageNet sample has no test part: a fifth of its images becomes one, and no class is in both."""
    image = image_file(np.zeros((2, 2, 3), np.uint8))
    write_parquet(nowhere / "imagenet_sample1000.parquet", [image] * 10, list(range(10)))

    data = load_data("imagenet-sample")
    (status,) = (status for status in list_sets() if status.name == "imagenet-sample")

    assert (len(data.train), len(data.test)) == (status.train_count, status.test_count) == (8, 2)
    assert not set(data.train.labels) & set(data.test.labels)
    assert len(data.class_names) == 10
