"""Give the classes of a data set the names, and the order, that a network has for them. Needs no torch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from modelprint.data.data_set import DataSet
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError

NAMES_BYTES = 2**24


def read_class_names(text: str) -> tuple[str, ...]:
    """Return the names in "a,b,c", or those in the file called so, one on each line.

    Raises:
        DataError: The file cannot be read, or a name is empty or there twice.
    """
    path = Path(text)
    lines = _read_lines(path) if path.is_file() else text.split(",")
    names = tuple(line.strip() for line in lines)
    if len(names) < 2 or not all(names):
        raise DataError(f"class names are two or more, separated by commas or one on each line of a file, got {text!r}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"class names: {twice!r} is there twice")
    return names


def relabel(data: DataSet, names: Sequence[str]) -> DataSet:
    """Return `data` with the classes `names`, in this order.

    When all classes that have images are among `names`, their images keep their class and get its new number; further
    names are classes without images. When none is and there are as many names as classes, they are new names in the
    order of the data.

    Raises:
        DataError: Some of the classes are among `names` and some are not, or their number is another.
    """
    known = set(names)
    used = [name for index, name in enumerate(data.class_names) if _has_images(data, index)]
    missing = [name for name in used if name not in known]
    if not missing:
        places = {name: place for place, name in enumerate(names)}
        table = np.array([places.get(name, 0) for name in data.class_names], dtype=np.int64)
    elif len(names) == len(data.class_names) and not known & set(data.class_names):
        table = np.arange(len(names), dtype=np.int64)
    else:
        raise DataError(
            f"{data.name} has {len(data.class_names)} classes, and {len(missing)} of them, such as {missing[0]!r}, are "
            f"not among the {len(names)} class names; name all of its classes in the order of the network, or give "
            "other names for all of them"
        )

    def change(images: LabelledImages) -> LabelledImages:
        return replace(images, labels=table[images.labels], class_names=tuple(names))

    spare = None if data.spare is None else change(data.spare)
    return DataSet(name=data.name, train=change(data.train), test=change(data.test), spare=spare)


def _has_images(data: DataSet, index: int) -> bool:
    return bool((data.train.labels == index).any() or (data.test.labels == index).any())


def _read_lines(path: Path) -> list[str]:
    if path.stat().st_size > NAMES_BYTES:
        raise DataError(f"{path}: a file of class names has {NAMES_BYTES} bytes at most")
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: the class names cannot be read: {problem}") from problem
