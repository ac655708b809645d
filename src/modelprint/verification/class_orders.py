"""Orders of the classes that servers are known to use, and how an endpoint file corrects them. Needs no torch."""

import json
import re
from collections.abc import Sequence

SHOWN = 20
"""Most classes of which a label map is printed in full."""

Places = tuple[int | None, ...]
"""For each class its index in a server's order; None where that is no index of ours."""


def list_orders(class_names: Sequence[str]) -> dict[str, Places]:
    """Return the known orders that differ from that of `class_names`."""
    count = len(class_names)
    found: dict[str, Places] = {
        name: _rank([key(one) for one in class_names])
        for name, key in (("text order", str), ("natural order", _split_numbers))
    }
    found["counted from 1"] = tuple(index + 1 if index + 1 < count else None for index in range(count))
    different: dict[str, Places] = {}
    for name, places in found.items():
        if places != tuple(range(count)) and places not in different.values():
            different[name] = places
    return different


def write_label_map(places: Places, class_names: Sequence[str]) -> str:
    """Return the line of an endpoint file that reads a server's indices when the classes have these places."""
    count = len(places)
    indices = [place if place is not None else (count if index else -1) for index, place in enumerate(places)]
    entries = sorted(zip(indices, class_names, strict=True))
    written = [f"{json.dumps(str(index))}: {json.dumps(name)}" for index, name in entries]
    more = ["..."] if len(written) > SHOWN else []
    return f"labels: {{{', '.join(written[:SHOWN] + more)}}}"


def _rank(keys: Sequence[object]) -> Places:
    order = sorted(range(len(keys)), key=lambda index: keys[index])  # type: ignore[arg-type, return-value]
    places = [0] * len(order)
    for place, index in enumerate(order):
        places[index] = place
    return tuple(places)


def _split_numbers(name: str) -> list[tuple[int, int, str]]:
    """Return the parts of a name in the form that sorts numbers by size and before texts."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
