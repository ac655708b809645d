"""The digits of scikit-learn."""

import numpy as np

from modelprint.data import load_data


def test_digits_keep_their_levels() -> None:
    """The 17 levels of the original are spread over 0 to 255, and the split is fixed."""
    data = load_data("digits")

    assert len(np.unique(data.train.pixels)) == 17
    assert (data.train.pixels.min(), data.train.pixels.max()) == (0, 255)
    assert np.bincount(data.test.labels).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    assert data.digest == load_data("digits").digest
