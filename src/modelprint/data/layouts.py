"""How the files of a named set may be arranged in a data folder. One small class per arrangement."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from modelprint.data.data_set import DataSet, count_share, split
from modelprint.data.idx import count_idx, read_idx
from modelprint.data.images import Size
from modelprint.data.labelled_images import LabelledImages
from modelprint.data.optional import import_parquet
from modelprint.progress import Progress


@runtime_checkable
class Layout(Protocol):
    """The files of a data set."""

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files, relative to a data folder."""

    def read(self, root: Path, name: str, progress: Progress) -> DataSet:
        """Read the set; all files exist."""

    def count_images(self, root: Path) -> tuple[int, int]:
        """Return the number of training and of test images, without decoding any."""


@dataclass(frozen=True, kw_only=True)
class ParquetPair:
    """One parquet file for training, one for testing.

    Attributes:
        train: Path below the data folder.
        test: Path below the data folder.
        size: Height and width that images are resized to; None when all have the same size.
        class_names: Names for files that hold numbers only; empty takes the names in the files.
    """

    train: str
    test: str
    size: Size | None = None
    class_names: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Both files."""
        return (self.train, self.test)

    def read(self, root: Path, name: str, progress: Progress) -> DataSet:
        """Read both files."""
        return DataSet(
            name=name,
            train=self._read_part(root / self.train, f"{name}/train", progress),
            test=self._read_part(root / self.test, f"{name}/test", progress),
        )

    def count_images(self, root: Path) -> tuple[int, int]:
        """Return the row counts of the files."""
        count = import_parquet().count_parquet
        return count(root / self.train), count(root / self.test)

    def _read_part(self, path: Path, name: str, progress: Progress) -> LabelledImages:
        images: LabelledImages = import_parquet().read_parquet(path, name=name, size=self.size, progress=progress)
        return replace(images, class_names=self.class_names) if self.class_names else images


@dataclass(frozen=True, kw_only=True)
class ParquetSplit:
    """One parquet file without a test part, divided by `split`.

    Attributes:
        file: Path below the data folder.
        test_share: Share of the test images.
    """

    file: str
    test_share: float = 0.2

    @property
    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def read(self, root: Path, name: str, progress: Progress) -> DataSet:
        """Read the file and split it."""
        images: LabelledImages = import_parquet().read_parquet(root / self.file, name=name, progress=progress)
        return split(images, name=name, test_share=self.test_share)

    def count_images(self, root: Path) -> tuple[int, int]:
        """Return the sizes of the two parts; correct for sets with one image per class."""
        count = import_parquet().count_parquet(root / self.file)
        tests = count_share(count, self.test_share)
        return count - tests, tests


@dataclass(frozen=True, kw_only=True)
class IdxFolder:
    """The four gzipped IDX files of MNIST and similar sets.

    Attributes:
        folder: Path below the data folder.
        class_names: One name per class.
    """

    folder: str
    class_names: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Training images and labels, test images and labels."""
        return tuple(f"{self.folder}/{name}" for name in IDX_FILES)

    def read(self, root: Path, name: str, progress: Progress) -> DataSet:
        """Read the two pairs."""
        train_images, train_labels, test_images, test_labels = (root / file for file in self.files)
        train = read_idx(train_images, train_labels, class_names=self.class_names, name=f"{name}/train")
        test = read_idx(test_images, test_labels, class_names=self.class_names, name=f"{name}/test")
        return DataSet(name=name, train=train, test=test)

    def count_images(self, root: Path) -> tuple[int, int]:
        """Return the counts in the headers."""
        train, _, test, _ = (root / file for file in self.files)
        return count_idx(train), count_idx(test)


IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A set that is part of a library and needs no files.

    Attributes:
        load: Makes the set.
        sizes: Number of training and of test images.
    """

    load: Callable[[], DataSet]
    sizes: tuple[int, int]

    @property
    def files(self) -> tuple[str, ...]:
        """No files."""
        return ()

    def read(self, root: Path, name: str, progress: Progress) -> DataSet:
        """Make the set; `root` is ignored."""
        progress(f"reading {name}", 0, 1)
        data = self.load()
        progress(f"reading {name}", 1, 1)
        return data

    def count_images(self, root: Path) -> tuple[int, int]:
        """Return the known sizes."""
        return self.sizes
