"""From a name or a path to a data set."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from modelprint.data import load_data
from modelprint.errors import DataError

Encoder = Callable[..., bytes]
Painter = Callable[..., np.ndarray]
Writer = Callable[..., Path]


def put_folder(
    path: Path, image_file: Encoder, colour: Painter, count: int, names: tuple[str, ...] = ("a", "b")
) -> None:
    """Write `count` images of each class, of levels 0, 1, 2, .."""
    for name in names:
        (path / name).mkdir(parents=True)
        for level in range(count):
            (path / name / f"{level}.png").write_bytes(image_file(colour(level)))


def put_idx(folder: Path, part: str, labels: list[int]) -> None:
    """Write a pair of gzipped IDX files with images of 2 x 2."""
    folder.mkdir(exist_ok=True)
    count = len(labels)
    images = struct.pack(">HBB3I", 0, 8, 3, count, 2, 2) + bytes(4 * count)
    (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">HBBI", 0, 8, 1, count) + bytes(labels))
    )


def test_a_name_is_a_named_set() -> None:
    """Digits are always there; progress has a beginning and an end."""
    steps: list[tuple[str, int, int]] = []

    data = load_data("digits", progress=lambda *step: steps.append(step))

    assert (len(data.train), len(data.test)) == (1438, 359)
    assert data.image_shape == (1, 8, 8)
    assert steps == [("reading digits", 0, 1), ("reading digits", 1, 1)]


def test_class_folders_are_split(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """A fifth is set aside, and the seed decides which."""
    put_folder(tmp_path / "pets", image_file, colour, count=10)

    data = load_data(tmp_path / "pets")
    same, other = load_data(str(tmp_path / "pets")), load_data(tmp_path / "pets", seed=3, test_share=0.5)

    assert (data.name, data.train.name, data.test.name) == ("pets", "pets/train", "pets/test")
    assert (len(data.train), len(data.test)) == (16, 4)
    assert data.digest == same.digest
    assert len(other.test) == 10


def test_train_and_test_folders_are_the_parts(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Folders of class folders inside `train` and `test` are taken as they are."""
    put_folder(tmp_path / "train", image_file, colour, count=3)
    put_folder(tmp_path / "test", image_file, colour, count=1)

    data = load_data(tmp_path, size=(5, 5))

    assert (len(data.train), len(data.test)) == (6, 2)
    assert data.image_shape == (3, 5, 5)


def test_classes_of_both_parts_are_the_same(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """A class that only one part has is an error, since its labels would mean other things."""
    put_folder(tmp_path / "train", image_file, colour, count=1)
    put_folder(tmp_path / "test", image_file, colour, count=1, names=("a", "c"))

    with pytest.raises(DataError, match="classes of the training images"):
        load_data(tmp_path)


def test_shards_are_joined(tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer) -> None:
    """Files with `train` and `test` in their names are the parts, in the order of their names."""
    for shard in (1, 0):
        write_parquet(tmp_path / f"train-0000{shard}-of-00002.parquet", [image_file(colour(shard))], [0], names=["a"])
    write_parquet(tmp_path / "test-00000-of-00001.parquet", [image_file(colour(9))], [0], names=["a"])

    data = load_data(tmp_path)

    assert data.train.pixels[:, 0, 0, 0].tolist() == [0, 1]
    assert data.test.pixels[:, 0, 0, 0].tolist() == [9]


def test_shards_may_lie_in_folders_of_parts(
    tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer
) -> None:
    """`train/anything.parquet` works too, with columns chosen by name."""
    for part in ("train", "test"):
        write_parquet(tmp_path / part / "x.parquet", [image_file(colour(1))], [0], columns=("photo", "kind"))

    assert len(load_data(tmp_path, image_column="photo", label_column="kind").test) == 1


def test_one_parquet_file_is_split(tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer) -> None:
    """A file without a test part is split like a folder."""
    path = write_parquet(tmp_path / "a.parquet", [image_file(colour(level)) for level in range(10)], [0] * 10)

    assert len(load_data(path).test) == 2


def test_idx_files_are_read_from_their_folder(tmp_path: Path) -> None:
    """MNIST's own names are understood; both parts have as many numbered classes as the one with more."""
    put_idx(tmp_path, "train", [0, 1, 2])
    put_idx(tmp_path, "t10k", [1])

    data = load_data(tmp_path)

    assert data.class_names == ("0", "1", "2")
    assert data.test.labels.tolist() == [1]


def test_one_idx_file_brings_its_labels(tmp_path: Path) -> None:
    """The labels are found beside the images; without them the error names their file."""
    put_idx(tmp_path, "train", [0] * 5)
    images = tmp_path / "train-images-idx3-ubyte.gz"

    assert len(load_data(images).test) == 1
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: no such file"):
        load_data(images)


def test_numpy_archives_are_read(tmp_path: Path) -> None:
    """With both parts as they are, with one part split."""
    pixels, labels = np.zeros((10, 4, 4), np.uint8), np.zeros(10, np.int64)
    np.savez(tmp_path / "both.npz", x_train=pixels, y_train=labels, x_test=pixels[:3], y_test=labels[:3])
    np.savez(tmp_path / "one.npz", pixels=pixels, labels=labels)

    assert len(load_data(tmp_path / "both.npz").test) == 3
    assert len(load_data(tmp_path / "one.npz").test) == 2


def test_an_archive_with_parts_is_no_part(tmp_path: Path) -> None:
    """A file with both parts inside `train/` would leave open what `test/` is."""
    pixels, labels = np.zeros((1, 4, 4), np.uint8), np.zeros(1, np.int64)
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        np.savez(tmp_path / part / "a.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)

    with pytest.raises(DataError, match="give the file itself"):
        load_data(tmp_path)


@pytest.mark.parametrize(("there", "lacking"), [("train", "test"), ("test", "training")])
def test_half_a_set_is_refused(
    there: str, lacking: str, tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer
) -> None:
    """One part without the other is more likely a mistake than a set to split."""
    write_parquet(tmp_path / f"{there}.parquet", [image_file(colour(1))], [0])

    with pytest.raises(DataError, match=f"but no {lacking} part"):
        load_data(tmp_path)


def test_what_is_nothing_is_refused(tmp_path: Path) -> None:
    """The error lists the names there are, or the kinds of files."""
    with pytest.raises(
        DataError, match=r"'cifar11' is neither a data set \(digits, cifar10, .*\) nor a file or folder"
    ):
        load_data("cifar11")
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"a\.csv: expected a \.parquet or \.npz file"):
        load_data(tmp_path / "a.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no class folders"):
        load_data(tmp_path / "empty")


def test_a_name_wins_over_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder called `digits` is read as `./digits` or as a Path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()

    assert len(load_data("digits").train) == 1438
    for folder in ("./digits", Path("digits")):
        with pytest.raises(DataError, match="no class folders"):
            load_data(folder)


def test_a_share_behind_the_name_or_the_path_sets_the_rest_aside(
    tmp_path: Path, image_file: Encoder, colour: Painter
) -> None:
    """A quarter of 1438 digits to learn from, class by class; a folder called `a@0.5` is itself."""
    put_folder(tmp_path / "a@0.5", image_file, colour, 5)

    digits, folder, half = (
        load_data(data) for data in ("digits@0.25", tmp_path / "a@0.5", f"{tmp_path / 'a@0.5'}@0.5")
    )

    assert (digits.name, len(digits.test)) == ("digits@0.25", 359)
    assert digits.spare is not None
    assert len(digits.train) + len(digits.spare) == 1438
    assert abs(len(digits.train) - 1438 / 4) <= 5
    assert (folder.name, folder.spare, len(folder.train)) == ("a@0.5", None, 8)
    assert (half.name, len(half.train)) == ("a@0.5@0.5", 4)


def test_a_share_that_is_none_is_refused() -> None:
    """Above one by number; what is no number at all is part of a name that nobody knows."""
    with pytest.raises(ValueError, match=r"lies between 0 and 1, got 1\.5"):
        load_data("digits@1.5")
    with pytest.raises(DataError, match="'digits@half' is neither a data set"):
        load_data("digits@half")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "Test"),
        ("Training", "Testing"),
        ("TRAIN", "test"),
        ("train", "val"),
        ("training", "validation"),
        ("train", "valid"),
        ("train_images", "test_images"),
    ],
)
def test_usual_names_of_parts_are_understood(
    train: str, test: str, tmp_path: Path, image_file: Encoder, colour: Painter
) -> None:
    """In capital and small letters; a validation part is the test part when there is no other."""
    put_folder(tmp_path / train, image_file, colour, count=3)
    put_folder(tmp_path / test, image_file, colour, count=1)

    data = load_data(tmp_path)

    assert (len(data.train), len(data.test), len(data.class_names)) == (6, 2, 2)


def test_a_test_part_comes_before_a_validation_part(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Of folders and of files."""
    for count, part in ((4, "train"), (1, "test"), (2, "val")):
        put_folder(tmp_path / part, image_file, colour, count=count)

    assert len(load_data(tmp_path).test) == 2


def test_validation_files_are_a_part(
    tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer
) -> None:
    """As on the hub; `val` inside another word is no such word."""
    write_parquet(tmp_path / "train-00000-of-00001.parquet", [image_file(colour(1))], [0])
    write_parquet(tmp_path / "interval.parquet", [image_file(colour(5))], [0])
    with pytest.raises(DataError, match="but no test part; call it train or test"):
        load_data(tmp_path)
    write_parquet(tmp_path / "validation-00000-of-00001.parquet", [image_file(colour(9))], [0])

    assert load_data(tmp_path).test.pixels[:, 0, 0, 0].tolist() == [9]


def test_a_class_may_be_called_train(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Among vehicles: its folder holds images and no folders."""
    put_folder(tmp_path, image_file, colour, count=5, names=("bus", "train"))

    assert load_data(tmp_path).class_names == ("bus", "train")


def test_two_folders_of_one_part_are_refused(tmp_path: Path, image_file: Encoder, colour: Painter) -> None:
    """Which one is meant cannot be known."""
    for part in ("train", "training", "test"):
        put_folder(tmp_path / part, image_file, colour, count=1)

    with pytest.raises(DataError, match="train and training may both be the same part"):
        load_data(tmp_path)


def test_labels_that_begin_with_1_are_refused(tmp_path: Path) -> None:
    """All from 1 to the last, as in EMNIST letters; a class without images is fine when others lack too."""
    put_idx(tmp_path, "train", [1, 2, 3])
    put_idx(tmp_path, "t10k", [1, 2])

    with pytest.raises(DataError, match="no image has label 0, and all labels from 1 to 3 occur; do the labels begin"):
        load_data(tmp_path)
    put_idx(tmp_path, "train", [1, 3, 3])
    put_idx(tmp_path, "t10k", [1])
    assert load_data(tmp_path).class_names == ("0", "1", "2", "3")


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Return `content` with a few bytes changed, a part left out or repeated."""
    first, last = sorted(rng.integers(0, len(content) + 1, 2).tolist())
    kind = rng.integers(4)
    if kind == 0:
        return content[:first] + content[last:]
    if kind == 1:
        return content[:last] + content[first:]
    changed = bytearray(content)
    for position in rng.integers(0, len(content), rng.integers(1, 4)):
        changed[position] = rng.integers(256) if kind == 2 else changed[position] ^ (1 << int(rng.integers(8)))
    return bytes(changed)


@pytest.mark.parametrize(
    "file", ["a.npz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "a.parquet", "a.png"]
)
def test_any_damage_is_an_error_of_ours(
    file: str, tmp_path: Path, image_file: Encoder, colour: Painter, write_parquet: Writer
) -> None:
    """150 damaged files of each kind are read, or refused with a DataError."""
    rng = np.random.default_rng(7)
    np.savez_compressed(tmp_path / "a.npz", pixels=np.zeros((9, 4, 4), np.uint8), labels=np.arange(9) % 2)
    put_idx(tmp_path, "train", [0, 1, 1] * 3)
    write_parquet(tmp_path / "a.parquet", [image_file(colour(level)) for level in range(9)], [0, 1, 1] * 3)
    (tmp_path / "folder" / "class").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "folder" / "class" / name).write_bytes(image_file(colour(3)))
    path = tmp_path / "folder" / "class" / file if file == "a.png" else tmp_path / file
    given = {"a.png": tmp_path / "folder", "train-labels-idx1-ubyte.gz": tmp_path / "train-images-idx3-ubyte.gz"}
    whole = path.read_bytes()
    refused = 0

    assert len(load_data(given.get(file, path)).train) > 0
    for _ in range(150):
        path.write_bytes(damage(whole, rng))
        try:
            load_data(given.get(file, path))
        except DataError:
            refused += 1

    assert refused > 50
