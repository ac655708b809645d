"""The digits that come with scikit-learn: 1,797 grey images of 8 x 8 pixels, available without a download.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository; the
copy in scikit-learn holds the test part of that set.

Departures: the original has 17 grey levels, 0 to 16. We scale them to 0..255 and round, and use a fifth of each class
for testing, as the copy has no split.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from modelprint.data.data_set import DataSet, split
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError, advise_extra

GREY_LEVELS = 16
"""The largest grey level in the original."""
FILE = "datasets/data/digits.csv.gz"
"""Where scikit-learn has them: an image a row, its 64 grey levels and its label."""


def load_digits(seed: int = 0, test_share: float = 0.2) -> DataSet:
    """Return the digits; `seed` determines the test images, `test_share` of each class."""
    rows = _read_rows()
    images = LabelledImages(
        pixels=np.rint(rows[:, :-1].reshape(-1, 1, 8, 8) * (255 / GREY_LEVELS)).astype(np.uint8),
        labels=rows[:, -1].astype(np.int64),
        class_names=tuple(map(str, range(10))),
        name="digits",
    )
    return split(images, name="digits", test_share=test_share, seed=seed)


def _read_rows() -> np.ndarray:
    """Return the table of scikit-learn, read without importing it, which would take most of a second."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError(f"the digits come with scikit-learn, which is not installed; {advise_extra('generate')}")
    path = Path(package.origin).parent / FILE
    try:
        with gzip.open(path, "rt") as file:
            return np.loadtxt(file, delimiter=",")
    except OSError as problem:
        raise DataError(f"the digits of scikit-learn cannot be read: {problem}; install it again") from problem
