"""The digits that come with scikit-learn: 1,797 grey images of 8 x 8 pixels, available without a download.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository; the
copy in scikit-learn holds the test part of that set.

Departures: the original has 17 grey levels, 0 to 16. We scale them to 0..255 and round, and use a fifth of each class
for testing, as the copy has no split.
"""

import numpy as np

from modelprint.data.data_set import DataSet, split
from modelprint.data.labelled_images import LabelledImages
from modelprint.errors import DataError
from modelprint.extras import advise_extra

GREY_LEVELS = 16
"""The largest grey level in the original."""


def load_digits(seed: int = 0, test_share: float = 0.2) -> DataSet:
    """Return the digits; `seed` determines the test images, `test_share` of each class."""
    try:
        from sklearn import datasets
    except ImportError as problem:
        raise DataError(
            f"the digits come with scikit-learn, which is not installed; {advise_extra('generate')}"
        ) from problem
    original = datasets.load_digits()
    images = LabelledImages(
        pixels=np.rint(original.images * (255 / GREY_LEVELS)).astype(np.uint8)[:, None],
        labels=original.target.astype(np.int64),
        class_names=tuple(map(str, range(10))),
        name="digits",
    )
    return split(images, name="digits", test_share=test_share, seed=seed)
