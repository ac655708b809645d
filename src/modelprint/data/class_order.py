"""Orders of class names, and the question which of them the answers of a model follow. Needs no torch.

Readers number the classes of folders and texts by one rule, `order_class_names`. Other tools have other rules:
torchvision's `ImageFolder` sorts all names as text, also numbers; some sort without regard to upper case or with
numbers inside names as numbers; some count from 1. A model trained with such an order gives wrong labels to everything.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

Orders = dict[str, tuple[int | None, ...]]
"""By name of an order: for each class of the data the place that it has in that order, None for no place."""


def list_orders(class_names: Sequence[str]) -> Orders:
    """Return the orders that differ from that of `class_names`; the order of the data itself is not among them."""
    count = len(class_names)
    found: Orders = {name: _rank(class_names, key) for name, key in _SORTED_BY.items()}
    found["counted from 1"] = tuple(index + 1 if index + 1 < count else None for index in range(count))
    found["counted from -1"] = tuple(index - 1 if index else None for index in range(count))
    same = tuple(range(count))
    different: Orders = {}
    for name, places in found.items():
        if places != same and places not in different.values():
            different[name] = places
    return different


def count_agreement(
    places: Sequence[int | None], labels: Int64[np.ndarray, " n"], answers: Int64[np.ndarray, " n"]
) -> int:
    """Return how many answers are the label of their image when each class has its place in an order."""
    table = np.array([-1 if place is None else place for place in places], dtype=np.int64)
    return int((table[labels] == answers).sum())


@dataclass(frozen=True, kw_only=True)
class Order:
    """Another order of the classes, and how many answers follow it.

    Attributes:
        name: What it is called in messages.
        names: The first class names in this order, by place.
        agreed: How many answers are the label of their image in this order.
    """

    name: str
    names: tuple[str, ...]
    agreed: int


def find_best_order(
    class_names: Sequence[str], labels: Int64[np.ndarray, " n"], answers: Int64[np.ndarray, " n"]
) -> Order | None:
    """Return the other order of the classes that most answers follow; None when there is no other.

    Args:
        class_names: In the order of the data.
        labels: Class of each image, by the data.
        answers: Class of each image, by the model.
    """
    best: Order | None = None
    for name, places in list_orders(class_names).items():
        agreed = count_agreement(places, labels, answers)
        if best is None or agreed > best.agreed:
            best = Order(name=name, names=_list_by_place(class_names, places), agreed=agreed)
    return best


def _list_by_place(class_names: Sequence[str], places: Sequence[int | None]) -> tuple[str, ...]:
    """Return the class at each place; where none is, "-"."""
    at = {place: name for name, place in zip(class_names, places, strict=True) if place is not None}
    return tuple(at.get(place, "-") for place in range(len(class_names)))


def _rank(class_names: Sequence[str], key: Callable[[str], object]) -> tuple[int | None, ...]:
    order = sorted(range(len(class_names)), key=lambda index: key(class_names[index]))  # type: ignore[arg-type, return-value]
    places = [0] * len(order)
    for place, index in enumerate(order):
        places[index] = place
    return tuple(places)


def _split_numbers(name: str) -> list[tuple[int, int, str]]:
    """Return the parts of a name, so that "c10" comes after "c9"."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+|[0-9]", name)
    return [(0, int(part), part) if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]


def _as_number(name: str) -> tuple[int, int, str]:
    whole = name.isascii() and name.isdigit() and len(name) <= 18
    return (0, int(name), name) if whole else (1, 0, name)


_SORTED_BY: dict[str, Callable[[str], object]] = {
    "text order": lambda name: name,
    "number order": _as_number,
    "natural order": _split_numbers,
    "text order without regard to upper case": lambda name: (name.casefold(), name),
}
"""How other tools sort class names."""
