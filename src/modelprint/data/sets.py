"""The named data sets: their content, their files, and where these can be downloaded.

A set is one entry of `SETS`. Each of its layouts is one arrangement of its files in a data folder: as converted
beforehand, or as `modelprint data fetch` downloads them. Folders are searched in order, and the first layout whose
files all exist is read.
"""

from dataclasses import dataclass
from pathlib import Path

from modelprint.data.data_set import DataSet
from modelprint.data.digits import load_digits
from modelprint.data.layouts import Embedded, IdxFolder, Layout, ParquetPair, ParquetSplit
from modelprint.data.names import DIGIT_NAMES, FASHION_NAMES, TRAFFIC_SIGN_NAMES
from modelprint.data.roots import VARIABLE, data_roots, list_roots, user_folder
from modelprint.errors import DataError
from modelprint.progress import Progress, ignore_progress

HUB = "hub"
"""The Hugging Face hub, `https://huggingface.co/datasets/`: states the SHA-256 of each large file in a header."""

MIRROR = "mnist-mirror"
"""PyTorch's copy of the original MNIST files, `https://ossci-datasets.s3.amazonaws.com/mnist/`."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file that can be downloaded.

    Attributes:
        site: A key of `fetch.SITES`.
        path: Path of the file on the site.
        file: Path of the file in a data folder.
        size: Length in bytes, for files that never change.
        sha256: Hexadecimal SHA-256, for files that never change.
    """

    site: str
    path: str
    file: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A named data set.

    Attributes:
        description: One line about its content.
        image_shape: Channels, height and width.
        class_count: Number of classes.
        layouts: Possible arrangements of its files in a data folder; the first complete one is read.
        remotes: The files that `modelprint data fetch` downloads; empty when there are none.
        source: Its source; for a set that cannot be downloaded, what to do instead.
    """

    description: str
    image_shape: tuple[int, int, int]
    class_count: int
    layouts: tuple[Layout, ...]
    remotes: tuple[Remote, ...] = ()
    source: str


@dataclass(frozen=True, kw_only=True)
class SetStatus:
    """One set in the output of `modelprint data list`.

    Attributes:
        name: As `load_data` takes it.
        description: One line about its content.
        present: Folder it is read from; None when it is missing or embedded.
        embedded: Whether it is part of a library and always available.
        image_shape: Channels, height and width.
        class_count: Number of classes.
        train_count: Number of training images; None when the files are missing or cannot be read.
        test_count: Number of test images, likewise.
        fetchable: Whether `modelprint data fetch` can download it.
        source: Its source, or what to do instead of fetching.
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


def _make_hub_remotes(repository: str, folder: str, name: str) -> tuple[Remote, Remote]:
    """Return the training and the test file of a data set that the hub has converted to parquet."""
    train, test = (
        Remote(site=HUB, path=f"{repository}/resolve/main/{folder}/{part}-00000-of-00001.parquet", file=file)
        for part, file in (("train", f"{name}/train.parquet"), ("test", f"{name}/test.parquet"))
    )
    return train, test


def _make_mnist_remote(file: str, size: int, sha256: str) -> Remote:
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
        remotes=_make_hub_remotes("uoft-cs/cifar10", "plain_text", "cifar10"),
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
            _make_mnist_remote(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            _make_mnist_remote(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            _make_mnist_remote(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            _make_mnist_remote(
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
        remotes=_make_hub_remotes("zalando-datasets/fashion_mnist", "fashion_mnist", "fashion-mnist"),
        source="https://huggingface.co/datasets/zalando-datasets/fashion_mnist",
    ),
    "faces": NamedSet(
        description="AT&T / ORL faces of forty people, grey",
        image_shape=(1, 112, 92),
        class_count=40,
        layouts=(ParquetPair(train="orl_faces_train.parquet", test="orl_faces_test.parquet"),),
        source=(
            "no permanent public address is known; get the AT&T Database of Faces and give its folder of class "
            "folders as the data, or make the two files"
        ),
    ),
    "imagenet-sample": NamedSet(
        description="one photograph of each ImageNet class, 224 x 224; 800 for training, 200 for tests",
        image_shape=(3, 224, 224),
        class_count=1000,
        layouts=(ParquetSplit(file="imagenet_sample1000.parquet"),),
        source=(
            "it cannot be downloaded in this form; https://github.com/EliSchwartz/imagenet-sample-images has the "
            "photographs; crop them to 224 x 224 and write them into one parquet file"
        ),
    ),
}
"""Every named set. `load_data`, `modelprint data list` and `modelprint data fetch` read this table."""


def load_named(name: str, *, progress: Progress = ignore_progress) -> DataSet:
    """Read the set called `name` from the first data folder that has it.

    Raises:
        DataError: No folder has it; the message lists missing files and folders, and says what to do.
    """
    found = locate(name)
    if found is None:
        raise DataError(_explain_missing(name))
    root, layout = found
    return layout.read(root, name, progress)


def locate(name: str) -> tuple[Path, Layout] | None:
    """Return the first data folder and layout in which the set is complete, or None.

    A set that is part of a library needs no data folder.
    """
    embedded = next((layout for layout in SETS[name].layouts if not layout.files), None)
    if embedded is not None:
        return Path(), embedded
    for root in data_roots():
        for layout in SETS[name].layouts:
            if all((root / file).is_file() for file in layout.files):
                return root, layout
    return None


def list_sets() -> tuple[SetStatus, ...]:
    """Return content and availability of every named set; reads no images."""
    return tuple(_make_status(name, named) for name, named in SETS.items())


def _make_status(name: str, named: NamedSet) -> SetStatus:
    found = locate(name)
    train_count, test_count = _count_images(found)
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


def _count_images(found: tuple[Path, Layout] | None) -> tuple[int, int] | tuple[None, None]:
    if found is None:
        return None, None
    try:
        return found[1].count_images(found[0])
    except DataError:
        return None, None  # A damaged file must not hide the other sets from the list.


def _explain_missing(name: str) -> str:
    named = SETS[name]
    files = ", or ".join(" and ".join(layout.files) for layout in named.layouts)
    step = f"run: modelprint data fetch {name}" if named.remotes else named.source
    roots = data_roots()
    try:
        into = f"into {user_folder()}; to use another folder, set {VARIABLE}"
    except DataError:
        into = f"set HOME, or {VARIABLE} to a folder"
    return f"data set {name} not found: looked for {files} in {list_roots(roots)}; {step} ({into})"
