"""The named sets, where they are looked for, and the real ones when they are there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import SETS, list_sets, load_data, user_folder
from modelprint.data.sets import locate
from modelprint.errors import DataError

REAL = {
    "cifar10": [(50_000, 10_000)],
    "gtsrb": [(7_841, 4_210), (39_209, 12_630)],
    "mnist": [(60_000, 10_000)],
    "fashion-mnist": [(60_000, 10_000)],
    "faces": [(320, 80)],
    "imagenet-sample": [(800, 200)],
}
"""Training and test images of the sets that are about; of the traffic signs there is a subset, too."""


@pytest.mark.parametrize("name", [name for name in SETS if name != "digits"])
def test_a_missing_set_says_what_to_do(name: str, nowhere: Path) -> None:
    """The error names the files, the folders, and the next step."""
    step = f"run: modelprint data fetch {name}" if SETS[name].remotes else SETS[name].source

    with pytest.raises(DataError) as caught:
        load_data(name)

    message = str(caught.value)
    for part in (name, *SETS[name].layouts[0].files, str(nowhere), str(user_folder()), step, "MODELPRINT_DATA"):
        assert part in message
    assert "\n" not in message


def test_the_list_shows_every_set(nowhere: Path) -> None:
    """Without data only the digits are there, and they need no folder."""
    listed = {status.name: status for status in list_sets()}

    assert list(listed) == list(SETS)
    assert listed["digits"].embedded
    assert (listed["digits"].train_count, listed["digits"].test_count) == (1438, 359)
    assert not listed["digits"].fetchable
    assert listed["cifar10"].fetchable
    assert listed["cifar10"].present is None
    assert listed["cifar10"].train_count is None
    assert not listed["faces"].fetchable


def test_a_set_is_found_where_it_is_complete(
    nowhere: Path, write_parquet: Callable[..., Path], image_file: Callable[..., bytes]
) -> None:
    """A folder with one of two files is passed over; the list counts images without reading them."""
    image = image_file(np.zeros((2, 2, 3), np.uint8))
    write_parquet(nowhere / "cifar10_train.parquet", [image] * 3, [0, 1, 2])
    assert locate("cifar10") is None
    for part, count in (("train", 4), ("test", 2)):
        write_parquet(user_folder() / "cifar10" / f"{part}.parquet", [image] * count, [0] * count)

    (status,) = (status for status in list_sets() if status.name == "cifar10")

    assert status.present == user_folder()
    assert (status.train_count, status.test_count) == (4, 2)
    assert (len(load_data("cifar10").train), len(load_data("cifar10").test)) == (4, 2)


def test_a_damaged_set_does_not_spoil_the_list(nowhere: Path) -> None:
    """It is shown as there, without counts."""
    for part in ("train", "test"):
        (nowhere / f"cifar10_{part}.parquet").write_bytes(b"nothing")

    (status,) = (status for status in list_sets() if status.name == "cifar10")

    assert status.present == nowhere
    assert status.train_count is None


@pytest.mark.data
@pytest.mark.parametrize("name", ["gtsrb", "mnist", "fashion-mnist", "faces"])
def test_real_sets_are_what_the_table_says(name: str) -> None:
    """Shape, classes and counts of the files that are there; every class occurs in both parts."""
    if locate(name) is None:
        pytest.skip(f"{name} is not in MODELPRINT_DATA")
    data = load_data(name)

    assert data.image_shape == SETS[name].image_shape
    assert len(data.class_names) == SETS[name].class_count
    assert (len(data.train), len(data.test)) in REAL[name]
    for part in (data.train, data.test):
        assert len(np.unique(part.labels)) == SETS[name].class_count


@pytest.mark.data
@pytest.mark.slow
def test_cifar10_has_its_well_known_mean() -> None:
    """All fifty thousand training images, decoded, have the mean that everyone normalises with."""
    if locate("cifar10") is None:
        pytest.skip("cifar10 is not in MODELPRINT_DATA")
    data = load_data("cifar10")

    means = data.train.pixels.mean(axis=(0, 2, 3), dtype=np.float64)

    assert means == pytest.approx([125.30691805, 122.95039414, 113.86538318], abs=1e-6)
    assert np.bincount(data.test.labels).tolist() == [1000] * 10


@pytest.mark.data
def test_listed_counts_are_those_of_the_files() -> None:
    """The list counts what loading would give, without decoding."""
    present = {status.name: status for status in list_sets() if status.present}
    if not present:
        pytest.skip("there are no sets in MODELPRINT_DATA")

    for name, status in present.items():
        assert (status.train_count, status.test_count) in REAL[name]
