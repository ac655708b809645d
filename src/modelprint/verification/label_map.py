"""The line of an endpoint file that corrects the order of the classes. Needs no torch."""

import json
from collections.abc import Sequence

SHOWN = 20
"""Most classes of which a label map is printed in full."""


def write_label_map(places: Sequence[int | None], class_names: Sequence[str]) -> str:
    """Return the line that reads the indices of a server in another order.

    Args:
        places: The index of each class at the server, as `list_orders` gives it; None for the last class when it counts
            from 1, and for the first when it counts from -1.
        class_names: In label order.
    """
    count = len(places)
    indices = [place if place is not None else (count if index else -1) for index, place in enumerate(places)]
    entries = sorted(zip(indices, class_names, strict=True))
    written = [f"{json.dumps(str(index))}: {json.dumps(name)}" for index, name in entries]
    more = ["..."] if len(written) > SHOWN else []
    return f"labels: {{{', '.join(written[:SHOWN] + more)}}}"
