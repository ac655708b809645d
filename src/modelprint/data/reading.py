"""From a name or a path to a data set: `load_data`."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from modelprint.data.data_set import DataSet, join, set_aside, split
from modelprint.data.folder import read_folder
from modelprint.data.idx import read_idx
from modelprint.data.images import Size
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.npz import read_npz
from modelprint.data.optional import parquet
from modelprint.data.sets import SETS, load_named
from modelprint.errors import DataError
from modelprint.progress import Progress, silent

IDX_NAME = re.compile(r"(?P<before>.*)images(?P<dot>[-.])idx[34](?P<after>-ubyte(\.gz)?)")
"""File names of images in IDX files; those of their labels have `labels` and `idx1` in the same places."""

PART = re.compile(r"(?P<whole>.+)@(?P<share>\d*\.?\d+)")
"""A name or a path, and the share of its training images to learn from."""

TRAIN_WORDS = ("train",)
TEST_WORDS = ("test", "t10k")


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """How files are read; one per call of `load_data`."""

    image_column: str | None
    label_column: str | None
    size: Size | None
    progress: Progress

    def part(self, path: Path, name: str) -> LabelledImages:
        """Read a file or folder that holds one part, or a set without parts."""
        if path.is_dir():
            files = _data_files(path)
            return (
                self.files(files, name)
                if files
                else read_folder(path, name=name, size=self.size, progress=self.progress)
            )
        return self.files([path], name)

    def files(self, paths: list[Path], name: str) -> LabelledImages:
        """Read files that together hold one part, such as the shards of a parquet data set."""
        return join([self.file(path, name if len(paths) == 1 else f"{name}/{path.name}") for path in paths], name)

    def file(self, path: Path, name: str) -> LabelledImages:
        """Read one file."""
        if path.suffix == ".parquet":
            images: LabelledImages = parquet().read_parquet(
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
                raise DataError(f"{path}: it holds a training and a test part; give the file itself as the data")
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
    progress: Progress = silent,
) -> DataSet:
    """Read a data set, by its name or from a path.

    A path is a folder with `train` and `test` in it (folders of class folders, or of files; or files with these words
    in their names), or one folder of class folders, one parquet, `.npz` or IDX file, which is then split. A name wins
    over a file of the same name; write `./digits` for the file.

    `fashion-mnist@0.5` leaves half of each class to learn from, the same half every time, and makes the other the spare
    part; `@SHARE` may follow a path, too.

    Args:
        data: A key of `SETS`, or a path; either may be followed by @SHARE.
        seed: Chooses the test images where a set without a test part is split; named sets have a fixed split.
        test_share: Share of each class that is set aside in that case.
        image_column: Column of the images in parquet files given by path; None finds the usual ones.
        label_column: Column of the labels likewise.
        size: Height and width that images given by path are resized to; None demands that all have one size.
        progress: Told after each decoded image.

    Raises:
        DataError: The set is not there or cannot be used; says what is wrong with which file, and what to do.
        ValueError: A share that is not between 0 and 1.
    """
    if isinstance(data, str) and data in SETS:
        return load_named(data, progress=progress)
    path = Path(data)
    if (match := PART.fullmatch(str(data))) and not path.exists():
        whole = load_data(
            match["whole"],
            seed=seed,
            test_share=test_share,
            image_column=image_column,
            label_column=label_column,
            size=size,
            progress=progress,
        )
        return set_aside(whole, float(match["share"]))
    if not path.exists():
        raise DataError(f"{str(data)!r} is neither a data set ({', '.join(SETS)}) nor a file or folder")
    name = path.resolve().name
    reader = _Reader(image_column=image_column, label_column=label_column, size=size, progress=progress)
    return _in_parts(path, name, reader) or split(reader.part(path, name), name=name, test_share=test_share, seed=seed)


def _in_parts(path: Path, name: str, reader: _Reader) -> DataSet | None:
    """Return the data set at `path` when it has a training and a test part; None when it has no such parts."""
    if path.suffix == ".npz" and path.is_file():
        parts = read_npz(path, name=name)
        return _paired(name, parts["train"], parts["test"]) if "train" in parts else None
    if not path.is_dir():
        return None
    train, test = path / "train", path / "test"
    if train.is_dir() and test.is_dir():
        return _paired(name, reader.part(train, f"{name}/train"), reader.part(test, f"{name}/test"))
    train_files, test_files = _called(path, TRAIN_WORDS), _called(path, TEST_WORDS)
    if train_files and test_files:
        return _paired(name, reader.files(train_files, f"{name}/train"), reader.files(test_files, f"{name}/test"))
    if train_files or test_files or train.is_dir() or test.is_dir():
        there, lacking = ("training", "test") if train_files or train.is_dir() else ("test", "training")
        raise DataError(f"{path}: it has a {there} part, but no {lacking} part")
    return None


def _paired(name: str, train: LabelledImages, test: LabelledImages) -> DataSet:
    """Put the parts together; where classes are only numbered, both have as many as the one with more."""
    longest = max(train.class_names, test.class_names, key=len)
    if longest == tuple(map(str, range(len(longest)))):
        train, test = (
            replace(part, class_names=longest) if part.class_names == longest[: len(part.class_names)] else part
            for part in (train, test)
        )
    return DataSet(name=name, train=train, test=test)


def _called(path: Path, words: tuple[str, ...]) -> list[Path]:
    return [file for file in _data_files(path) if any(word in file.name.lower() for word in words)]


def _data_files(path: Path) -> list[Path]:
    """Return the files in `path` that hold images: parquet, .npz and IDX files."""
    return sorted(
        file
        for file in path.iterdir()
        if file.is_file()
        and not file.name.startswith(".")
        and (file.suffix in {".parquet", ".npz"} or IDX_NAME.fullmatch(file.name))
    )
