"""The digits of scikit-learn."""

import numpy as np
import pytest

from modelprint.data import digits, load_data
from modelprint.data.digits import load_digits
from modelprint.errors import DataError


def test_digits_keep_their_levels() -> None:
    """The 17 levels of the original are spread over 0 to 255, and the split is fixed."""
    data = load_data("digits")

    assert len(np.unique(data.train.pixels)) == 17
    assert (data.train.pixels.min(), data.train.pixels.max()) == (0, 255)
    assert np.bincount(data.test.labels).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    assert data.digest == load_data("digits").digest


def test_digits_are_those_that_scikit_learn_gives() -> None:
    """Every image and label, although the file is read without importing scikit-learn."""
    from sklearn import datasets

    original = datasets.load_digits()
    levels = np.rint(original.images * (255 / 16)).astype(np.uint8)[:, None]
    expected = sorted(zip(map(bytes, levels), original.target, strict=True))
    data = load_data("digits")

    found = [
        pair for part in (data.train, data.test) for pair in zip(map(bytes, part.pixels), part.labels, strict=True)
    ]

    assert sorted(found) == expected


def test_missing_digits_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn, and where it does not have the file."""
    with monkeypatch.context() as patch:
        patch.setattr(digits, "find_spec", lambda _: None)
        with pytest.raises(DataError, match="not installed; install the extra generate"):
            load_digits()
    monkeypatch.setattr(digits, "FILE", "missing.csv.gz")
    with pytest.raises(DataError, match=r"cannot be read: .*missing\.csv\.gz.*; install it again"):
        load_digits()
