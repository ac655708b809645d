"""Class names: their order, their number, and those of sets whose files hold numbers only."""

import numpy as np
import pytest

from modelprint.data import SETS
from modelprint.data import names as module
from modelprint.data.names import (
    DIGIT_NAMES,
    FASHION_NAMES,
    TRAFFIC_SIGN_NAMES,
    number_classes,
    order_class_names,
)
from modelprint.errors import DataError


@pytest.mark.parametrize(
    ("name", "names"), [("mnist", DIGIT_NAMES), ("fashion-mnist", FASHION_NAMES), ("gtsrb", TRAFFIC_SIGN_NAMES)]
)
def test_every_class_has_its_own_name(name: str, names: tuple[str, ...]) -> None:
    """As many as the set has classes, no two alike."""
    assert len(set(names)) == len(names) == SETS[name].class_count


def test_well_known_classes_are_where_papers_have_them() -> None:
    """Stop is sign 14, the limit of 100 km/h is sign 7, an ankle boot is class 9."""
    assert TRAFFIC_SIGN_NAMES[14] == "Stop"
    assert TRAFFIC_SIGN_NAMES[7] == "Speed limit (100km/h)"
    assert FASHION_NAMES[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        (["10", "9", "1"], ["1", "9", "10"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["b", "a", "B"], ["B", "a", "b"]),
        (["01", "1", "0", "00", "002"], ["0", "00", "01", "1", "002"]),
        (["2", "-1", "10"], ["-1", "10", "2"]),
        (["9" * 5000, "1" + "0" * 5000], ["9" * 5000, "1" + "0" * 5000]),
        ([], []),
    ],
)
def test_class_names_have_one_order(given: list[str], ordered: list[str]) -> None:
    """Numbers when all are whole numbers, else text by code point."""
    assert order_class_names(given) == order_class_names(reversed(given)) == ordered


def test_numbered_classes_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One name for each number up to the largest label."""
    monkeypatch.setattr(module, "CLASS_LIMIT", 4)

    assert number_classes(np.array([3, 1]), "a") == ("0", "1", "2", "3")
    for labels in ([4], [0, -1]):
        with pytest.raises(DataError, match=r"^a: labels run from .* a label is 0 to 3$"):
            number_classes(np.array(labels), "a")
