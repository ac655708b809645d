"""The named sets, where they are looked for, and the real ones when they are there."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import SETS, data_roots, list_sets, load_data, user_folder, weights_path
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


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data anywhere: an empty user's folder, and an empty folder named by the environment."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path / "named"))
    (tmp_path / "named").mkdir()
    return tmp_path / "named"


def test_folders_are_looked_in_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of `MODELPRINT_DATA` come first, the user's own last."""
    monkeypatch.setenv("MODELPRINT_DATA", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert data_roots() == (tmp_path / "a", tmp_path / "b", user_folder())

    monkeypatch.delenv("MODELPRINT_DATA")
    assert data_roots() == (user_folder(),)


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


def test_weights_are_found_by_name(nowhere: Path) -> None:
    """With or without the ending; a missing name is answered with the names there are."""
    (nowhere / "weights").mkdir()
    (nowhere / "weights" / "small.safetensors").touch()

    assert weights_path("small") == weights_path("small.safetensors") == nowhere / "weights" / "small.safetensors"
    with pytest.raises(DataError, match=r"no weights called 'large': looked for large\.safetensors in .*are small"):
        weights_path("large")


@pytest.mark.parametrize("name", ["", "../secret", "a/b", "a\\b", ".hidden", "/etc/x"])
def test_a_weights_name_is_no_path(name: str, nowhere: Path) -> None:
    """Names that would leave the folder are refused."""
    with pytest.raises(DataError, match="is not the name of a weights file"):
        weights_path(name)


def test_digits_keep_their_levels() -> None:
    """The 17 levels of the original are spread over 0 to 255, and the split is fixed."""
    data = load_data("digits")

    assert len(np.unique(data.train.pixels)) == 17
    assert (data.train.pixels.min(), data.train.pixels.max()) == (0, 255)
    assert np.bincount(data.test.labels).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    assert data.digest == load_data("digits").digest


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
