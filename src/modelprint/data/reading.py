"""Load a data set from a name or a path: `load_data`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from modelprint.data.data_set import DataSet, join, set_aside, split
from modelprint.data.folder import list_class_folders, read_folder
from modelprint.data.idx import read_idx
from modelprint.data.images import Size
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.npz import read_npz
from modelprint.data.optional import import_parquet
from modelprint.data.sets import SETS, load_named
from modelprint.errors import DataError
from modelprint.progress import Progress, ignore_progress

IDX_NAME = re.compile(r"(?P<before>.*)images(?P<dot>[-.])idx[34](?P<after>-ubyte(\.gz)?)")
"""File names of images in IDX format; the file of their labels has `labels` and `idx1` in the same places."""

PART = re.compile(r"(?P<whole>.+)@(?P<share>\d*\.?\d+)")
"""A name or a path, and the share of its training images to keep."""

TRAIN_WORDS = ("train",)
TEST_WORDS = ("test", "t10k")
VALIDATION_WORDS = ("val", "valid", "validation")
"""A validation part is read as the test part when there is no test part."""

TRAIN_FOLDERS = ("train", "training", "train_images", "training_images")
TEST_FOLDERS = ("test", "testing", "test_images", "testing_images")
VALIDATION_FOLDERS = ("val", "valid", "validation", "val_images", "valid_images", "validation_images")
"""Names of the folders of parts, in capital or small letters."""


@dataclass(frozen=True, kw_only=True)
class _FileReader:
    """Reads files with the options of one call of `load_data`."""

    image_column: str | None
    label_column: str | None
    size: Size | None
    progress: Progress

    def read_part(self, path: Path, name: str) -> LabelledImages:
        """Read a file or folder that holds one part, or an undivided set."""
        if path.is_dir():
            files = _list_data_files(path)
            return (
                self.read_files(files, name)
                if files
                else read_folder(path, name=name, size=self.size, progress=self.progress)
            )
        return self.read_files([path], name)

    def read_files(self, paths: list[Path], name: str) -> LabelledImages:
        """Read files that together hold one part, such as the shards of a parquet data set."""
        return join([self.read_file(path, name if len(paths) == 1 else f"{name}/{path.name}") for path in paths], name)

    def read_file(self, path: Path, name: str) -> LabelledImages:
        """Read one file."""
        if path.suffix == ".parquet":
            images: LabelledImages = import_parquet().read_parquet(
                path,
                name=name,
                image_column=self.image_column,
                label_column=self.label_column,
                size=self.size,
                progress=self.progress,
            )
            return images
        if path.suffix == ".npz":
            parts = read_npz(path, name=name)
            if "" not in parts:
                raise DataError(f"{path}: holds a training and a test part; give the file itself as the data")
            return parts[""]
        if match := IDX_NAME.fullmatch(path.name):
            labels = "{before}labels{dot}idx1{after}".format(**match.groupdict())
            return read_idx(path, path.with_name(labels), name=name)
        raise DataError(
            f"{path}: expected a .parquet or .npz file, an IDX file of images (such as train-images-idx3-ubyte.gz) "
            f"or a folder"
        )


def load_data(
    data: str | Path,
    *,
    seed: int = 0,
    test_share: float = 0.2,
    image_column: str | None = None,
    label_column: str | None = None,
    size: Size | None = None,
    progress: Progress = ignore_progress,
) -> DataSet:
    """Read a data set, by its name or from a path.

    A path is a folder that contains `train` and `test` (folders of class folders, or of files; or files with these
    words in their names); or a folder of class folders, a parquet, `.npz` or IDX file, which is then split. Folders may
    also be called `Training`, `Testing`, `train_images` and so on, and `val` or `validation` is the test part when
    there is no other. A name takes precedence over a file of the same name; write `./digits` for the file.

    `fashion-mnist@0.5` keeps half of each class as training images, always the same half, and makes the other half the
    spare part; `@SHARE` may also follow a path.

    Args:
        data: A key of `SETS`, or a path; either may be followed by @SHARE.
        seed: Determines the test images of a path without a test part; named sets have a fixed split.
        test_share: Share of each class that becomes the test part in that case.
        image_column: Column of the images in parquet files given by path; None tries the default names.
        label_column: Column of the labels, likewise.
        size: Height and width that images given by path are resized to; with None all must have the same size.
        progress: Called after each decoded image.

    Raises:
        DataError: The set is missing or cannot be used; the message names the file and what to do.
        ValueError: A share is not between 0 and 1.
    """
    reader = _FileReader(image_column=image_column, label_column=label_column, size=size, progress=progress)
    return _load(data, reader, seed, test_share)


def _load(data: str | Path, reader: _FileReader, seed: int, test_share: float) -> DataSet:
    if isinstance(data, str) and data in SETS:
        return load_named(data, progress=reader.progress)
    path = Path(data)
    if not path.exists():
        if match := PART.fullmatch(str(data)):
            return set_aside(_load(match["whole"], reader, seed, test_share), float(match["share"]))
        raise DataError(f"{str(data)!r} is neither a data set ({', '.join(SETS)}) nor a file or folder")
    name = path.resolve().name
    divided = _load_parts(path, name, reader)
    found = divided or split(reader.read_part(path, name), name=name, test_share=test_share, seed=seed)
    _check_first_label(found)
    return found


def _check_first_label(data: DataSet) -> None:
    """Refuse numbered classes whose labels begin with 1; the first class would have no images."""
    used = set(data.train.labels.tolist()) | set(data.test.labels.tolist())
    count = len(data.class_names)
    if data.class_names == tuple(map(str, range(count))) and used == set(range(1, count)):
        raise DataError(
            f"{data.name}: no image has label 0, and all labels from 1 to {count - 1} occur; do the labels begin with "
            "1? Subtract 1 from each, or give class names with the labels"
        )


def _load_parts(path: Path, name: str, reader: _FileReader) -> DataSet | None:
    """Return the data set at `path` if it has a training and a test part, None if it is undivided."""
    if path.suffix == ".npz" and path.is_file():
        parts = read_npz(path, name=name)
        return _pair_parts(name, parts["train"], parts["test"]) if "train" in parts else None
    if not path.is_dir():
        return None
    train = _find_folder(path, TRAIN_FOLDERS)
    test = _find_folder(path, TEST_FOLDERS) or _find_folder(path, VALIDATION_FOLDERS)
    if train and test:
        return _pair_parts(name, reader.read_part(train, f"{name}/train"), reader.read_part(test, f"{name}/test"))
    train_files = _find_files(path, TRAIN_WORDS)
    test_files = _find_files(path, TEST_WORDS) or _find_validation_files(path)
    if train_files and test_files:
        return _pair_parts(
            name, reader.read_files(train_files, f"{name}/train"), reader.read_files(test_files, f"{name}/test")
        )
    if train_files or test_files or train or test:
        there, lacking = ("training", "test") if train_files or train else ("test", "training")
        raise DataError(
            f"{path}: has a {there} part, but no {lacking} part; call it {TRAIN_FOLDERS[0]} or {TEST_FOLDERS[0]}, or "
            f"give the {there} part itself as the data"
        )
    return None


def _pair_parts(name: str, train: LabelledImages, test: LabelledImages) -> DataSet:
    """Combine the parts; when classes are only numbered, both get the larger number of classes."""
    longest = max(train.class_names, test.class_names, key=len)
    if longest == tuple(map(str, range(len(longest)))):
        train, test = (
            replace(part, class_names=longest) if part.class_names == longest[: len(part.class_names)] else part
            for part in (train, test)
        )
    return DataSet(name=name, train=train, test=test)


def _find_files(path: Path, words: tuple[str, ...]) -> list[Path]:
    return [file for file in _list_data_files(path) if any(word in file.name.lower() for word in words)]


def _find_validation_files(path: Path) -> list[Path]:
    """Return the files with a word for validation in their names; as a whole word, since `val` is part of many."""
    return [
        file
        for file in _list_data_files(path)
        if any(word in VALIDATION_WORDS for word in re.split(r"[^a-z]+", file.name.lower()))
    ]


def _find_folder(path: Path, names: tuple[str, ...]) -> Path | None:
    """Return the folder of a part; DataError when several have one of its names.

    A folder with nothing but images is a class that happens to have such a name, e.g. `train` among vehicles.
    """
    found = [
        entry
        for entry in sorted(path.iterdir())
        if entry.name.lower() in names and entry.is_dir() and (list_class_folders(entry) or _list_data_files(entry))
    ]
    if len(found) > 1:
        raise DataError(f"{path}: {' and '.join(entry.name for entry in found)} may both be the same part; keep one")
    return found[0] if found else None


def _list_data_files(path: Path) -> list[Path]:
    """Return the parquet, .npz and IDX image files in `path`."""
    return sorted(
        file
        for file in path.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and (file.suffix in {".parquet", ".npz"} or IDX_NAME.fullmatch(file.name))
    )
