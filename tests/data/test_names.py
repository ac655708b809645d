"""Class names of sets whose files hold numbers only."""

import pytest

from modelprint.data import SETS
from modelprint.data.names import DIGIT_NAMES, FASHION_NAMES, TRAFFIC_SIGN_NAMES


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
