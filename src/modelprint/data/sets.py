"""The data sets that have a name: where their files are, what is in them, and where the world has them.

A set is one entry of `SETS`. Each of its layouts is one way in which its files may lie below a data folder: as
converted by whoever prepared the folder, or as `modelprint data fetch` gets them. The first layout whose files are all
there is read, and a folder that comes earlier wins.
"""

from dataclasses import dataclass
from pathlib import Path

from modelprint.data.data_set import DataSet
from modelprint.data.digits import load_digits
from modelprint.data.layouts import Embedded, IdxFolder, Layout, ParquetPair, ParquetSplit
from modelprint.data.names import DIGIT_NAMES, FASHION_NAMES, TRAFFIC_SIGN_NAMES
from modelprint.data.roots import VARIABLE, data_roots, user_folder
from modelprint.errors import DataError
from modelprint.progress import Progress, silent

HUB = "hub"
"""The Hugging Face hub, `https://huggingface.co/datasets/`: says the SHA-256 of each large file when asked for it."""

MIRROR = "mnist-mirror"
"""The copy of the original MNIST files that PyTorch keeps, `https://ossci-datasets.s3.amazonaws.com/mnist/`."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file that can be downloaded.

    Attributes:
        site: A key of `fetch.SITES`.
        path: Path of the file there.
        file: Where it goes below a data folder.
        size: Length in bytes, when it is known for ever.
        sha256: Hexadecimal SHA-256, when it is known for ever.
    """

    site: str
    path: str
    file: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A data set that has a name.

    Attributes:
        description: One line about what is in it.
        image_shape: Channels, height and width.
        class_count: How many classes there are.
        layouts: The ways in which its files may lie below a data folder; the first that is complete is read.
        remotes: The files that `modelprint data fetch` downloads; empty when nothing can be downloaded.
        source: Where it comes from; for a set that cannot be downloaded, what to do instead.
    """

    description: str
    image_shape: tuple[int, int, int]
    class_count: int
    layouts: tuple[Layout, ...]
    remotes: tuple[Remote, ...] = ()
    source: str


@dataclass(frozen=True, kw_only=True)
class SetStatus:
    """What `modelprint data list` says about one set.

    Attributes:
        name: As `load_data` takes it.
        description: One line about what is in it.
        present: Folder it is read from; None when it is nowhere. An embedded set has no folder.
        embedded: It comes with a library and is always there.
        image_shape: Channels, height and width.
        class_count: How many classes there are.
        train_count: Training images in the files that are there; None when they are not, or cannot be read.
        test_count: Test images, likewise.
        fetchable: Whether `modelprint data fetch` can download it.
        source: Where it comes from, or what to do instead of fetching.
    """

    name: str
    description: str
    present: Path | None
    embedded: bool
    image_shape: tuple[int, int, int]
    class_count: int
    train_count: int | None
    test_count: int | None
    fetchable: bool
    source: str


def _hub(repository: str, folder: str, name: str) -> tuple[Remote, Remote]:
    """Return the training and the test file of a data set that the hub has converted to parquet."""
    train, test = (
        Remote(site=HUB, path=f"{repository}/resolve/main/{folder}/{part}-00000-of-00001.parquet", file=file)
        for part, file in (("train", f"{name}/train.parquet"), ("test", f"{name}/test.parquet"))
    )
    return train, test


def _mnist(file: str, size: int, sha256: str) -> Remote:
    return Remote(site=MIRROR, path=file, file=f"mnist/{file}", size=size, sha256=sha256)


SETS: dict[str, NamedSet] = {
    "digits": NamedSet(
        description="handwritten digits, grey, part of scikit-learn",
        image_shape=(1, 8, 8),
        class_count=10,
        layouts=(Embedded(load=load_digits, sizes=(1438, 359)),),
        source="scikit-learn, load_digits",
    ),
    "cifar10": NamedSet(
        description="small photographs of ten kinds of objects",
        image_shape=(3, 32, 32),
        class_count=10,
        layouts=(
            ParquetPair(train="cifar10_train.parquet", test="cifar10_test.parquet"),
            ParquetPair(train="cifar10/train.parquet", test="cifar10/test.parquet"),
        ),
        remotes=_hub("uoft-cs/cifar10", "plain_text", "cifar10"),
        source="https://huggingface.co/datasets/uoft-cs/cifar10",
    ),
    "gtsrb": NamedSet(
        description="German traffic signs, whole images resized to 32 x 32",
        image_shape=(3, 32, 32),
        class_count=43,
        layouts=(
            ParquetPair(train="gtsrb32_train.parquet", test="gtsrb32_test.parquet", class_names=TRAFFIC_SIGN_NAMES),
            ParquetPair(
                train="gtsrb/train.parquet",
                test="gtsrb/test.parquet",
                size=(32, 32),
                class_names=TRAFFIC_SIGN_NAMES,
            ),
        ),
        remotes=(
            Remote(
                site=HUB,
                path="bazyl/GTSRB/resolve/main/data/train-00000-of-00001-dc762c064c221993.parquet",
                file="gtsrb/train.parquet",
            ),
            Remote(
                site=HUB,
                path="bazyl/GTSRB/resolve/main/data/test-00000-of-00001-747a54d4a6461a97.parquet",
                file="gtsrb/test.parquet",
            ),
        ),
        source="https://huggingface.co/datasets/bazyl/GTSRB",
    ),
    "mnist": NamedSet(
        description="handwritten digits, grey",
        image_shape=(1, 28, 28),
        class_count=10,
        layouts=(IdxFolder(folder="mnist", class_names=DIGIT_NAMES),),
        remotes=(
            _mnist(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            _mnist(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            _mnist(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            _mnist(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        source="https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    "fashion-mnist": NamedSet(
        description="clothing, grey",
        image_shape=(1, 28, 28),
        class_count=10,
        layouts=(
            IdxFolder(folder="fashion_mnist", class_names=FASHION_NAMES),
            ParquetPair(
                train="fashion-mnist/train.parquet", test="fashion-mnist/test.parquet", class_names=FASHION_NAMES
            ),
        ),
        remotes=_hub("zalando-datasets/fashion_mnist", "fashion_mnist", "fashion-mnist"),
        source="https://huggingface.co/datasets/zalando-datasets/fashion_mnist",
    ),
    "faces": NamedSet(
        description="AT&T / ORL faces of forty people, grey",
        image_shape=(1, 112, 92),
        class_count=40,
        layouts=(ParquetPair(train="orl_faces_train.parquet", test="orl_faces_test.parquet"),),
        source=(
            "no lasting public address is known; get the AT&T Database of Faces and give its folder of class folders "
            "as the data, or make the two files"
        ),
    ),
    "imagenet-sample": NamedSet(
        description="one photograph of each ImageNet class, 224 x 224; 800 for training, 200 for tests",
        image_shape=(3, 224, 224),
        class_count=1000,
        layouts=(ParquetSplit(file="imagenet_sample1000.parquet"),),
        source=(
            "no public address has it in this form; https://github.com/EliSchwartz/imagenet-sample-images has the "
            "photographs, to be cropped to 224 x 224 and put into one parquet file"
        ),
    ),
}
"""Every named set. `load_data`, `modelprint data list` and `modelprint data fetch` read this table."""


def load_named(name: str, *, progress: Progress = silent) -> DataSet:
    """Read the set called `name` from the first data folder that has it.

    Raises:
        DataError: No folder has it; says which files are missing, where they were looked for, and what to do.
    """
    found = locate(name)
    if found is None:
        raise DataError(_missing(name))
    root, layout = found
    return layout.read(root, name, progress)


def locate(name: str) -> tuple[Path, Layout] | None:
    """Return the first data folder and layout in which the set is complete; None when there is none."""
    for root in data_roots():
        for layout in SETS[name].layouts:
            if all((root / file).is_file() for file in layout.files):
                return root, layout
    return None


def list_sets() -> tuple[SetStatus, ...]:
    """Say of every named set what is in it and whether it is there; reads no images."""
    return tuple(_status(name, named) for name, named in SETS.items())


def _status(name: str, named: NamedSet) -> SetStatus:
    found = locate(name)
    train_count, test_count = _counts(found)
    embedded = any(not layout.files for layout in named.layouts)
    return SetStatus(
        name=name,
        description=named.description,
        present=found[0] if found and not embedded else None,
        embedded=embedded,
        image_shape=named.image_shape,
        class_count=named.class_count,
        train_count=train_count,
        test_count=test_count,
        fetchable=bool(named.remotes),
        source=named.source,
    )


def _counts(found: tuple[Path, Layout] | None) -> tuple[int, int] | tuple[None, None]:
    if found is None:
        return None, None
    try:
        return found[1].counts(found[0])
    except DataError:
        return None, None  # A damaged file should not keep the list from showing the other sets.


def _missing(name: str) -> str:
    named = SETS[name]
    files = ", or ".join(" and ".join(layout.files) for layout in named.layouts)
    step = f"run: modelprint data fetch {name}" if named.remotes else named.source
    return (
        f"data set {name} is not there: looked for {files} in {' and '.join(map(str, data_roots()))}; {step} "
        f"(it goes into {user_folder()}; to use another folder, set {VARIABLE})"
    )
