"""Class names: their order, those of labels that are numbers, and those of sets whose files hold numbers only.

One rule of order for all readers that number the classes themselves: names sort as text (by code point), or as numbers
when every name is a whole number, so that 10 comes after 9.
"""

from collections.abc import Iterable

import numpy as np

from modelprint.errors import DataError

CLASS_LIMIT = 2**20
"""Classes of a data set, at most: a label is one number in a file, but each class has a name in memory."""


def order_class_names(names: Iterable[str]) -> list[str]:
    """Return `names` in the order of their labels."""
    known = list(names)
    if all(name.isascii() and name.isdigit() for name in known):
        # By length and digits, since a name may have more digits than Python converts.
        return sorted(known, key=lambda name: (len(name.lstrip("0")), name.lstrip("0"), name))
    return sorted(known)


def number_classes(labels: np.ndarray, where: str) -> tuple[str, ...]:
    """Return "0", "1", .. for integer labels.

    Raises:
        DataError: A label is negative or above the limit on classes; begins with `where`.
    """
    smallest, largest = int(labels.min(initial=0)), int(labels.max(initial=0))
    if smallest < 0 or largest >= CLASS_LIMIT:
        raise DataError(f"{where}: labels run from {smallest} to {largest}; a label is 0 to {CLASS_LIMIT - 1}")
    return tuple(map(str, range(largest + 1)))


DIGIT_NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

FASHION_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

TRAFFIC_SIGN_NAMES = (
    "Speed limit (20km/h)",
    "Speed limit (30km/h)",
    "Speed limit (50km/h)",
    "Speed limit (60km/h)",
    "Speed limit (70km/h)",
    "Speed limit (80km/h)",
    "End of speed limit (80km/h)",
    "Speed limit (100km/h)",
    "Speed limit (120km/h)",
    "No passing",
    "No passing for vehicles over 3.5 metric tons",
    "Right-of-way at the next intersection",
    "Priority road",
    "Yield",
    "Stop",
    "No vehicles",
    "Vehicles over 3.5 metric tons prohibited",
    "No entry",
    "General caution",
    "Dangerous curve to the left",
    "Dangerous curve to the right",
    "Double curve",
    "Bumpy road",
    "Slippery road",
    "Road narrows on the right",
    "Road work",
    "Traffic signals",
    "Pedestrians",
    "Children crossing",
    "Bicycles crossing",
    "Beware of ice/snow",
    "Wild animals crossing",
    "End of all speed and passing limits",
    "Turn right ahead",
    "Turn left ahead",
    "Ahead only",
    "Go straight or right",
    "Go straight or left",
    "Keep right",
    "Keep left",
    "Roundabout mandatory",
    "End of no passing",
    "End of no passing by vehicles over 3.5 metric tons",
)
