"""The numbers that the MiSentry paper prints, to stand beside ours.

Source: MiSentry / BIVBench, Table 1 (CIFAR-10, GTSRB, ImageNet; 23 rows, 22 where there is no transfer learning) and
Table 4 (MNIST), transcribed in `published.toml`. Their N = 1 columns are what ours are compared with: half of
PublicCheck's N = 5 cells are above what the stated protocol allows (`docs/scores.md`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

COLUMNS = {"misentry": "MiSentry", "publiccheck": "PublicCheck", "ssf": "SSF", "ssf-bo": "SSF-BO"}
"""Which method of the paper one of ours is compared with; the others have no counterpart there."""

POOL = 100
"""How many samples the paper draws from."""

DECIMALS = 0.0005
"""Half of the last digit that the paper prints."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One table of the paper.

    Attributes:
        name: What plans call it.
        data: The data set of ours that it is about.
        title: Which table it is.
        network: What was tampered with.
        columns: Method and number of samples of each column.
        rows: Name of a row -> its rates, 0 to 1, in the order of the columns.
    """

    name: str
    data: str
    title: str
    network: str
    columns: tuple[tuple[str, int], ...]
    rows: Mapping[str, tuple[float, ...]]

    @property
    def methods(self) -> tuple[str, ...]:
        """The paper's methods, in its order."""
        return tuple(dict.fromkeys(method for method, _ in self.columns))

    def rate(self, row: str, method: str, n: int) -> float | None:
        """Return the rate of a method of the paper with `n` samples; None when the table does not have it."""
        if row not in self.rows or (method, n) not in self.columns:
            return None
        return self.rows[row][self.columns.index((method, n))]


@cache
def published_tables() -> tuple[Published, ...]:
    """Return every table, in the order of the file."""
    content = tomllib.loads(files("modelprint.bench").joinpath("published.toml").read_text(encoding="utf-8"))
    return tuple(
        Published(
            name=table["name"],
            data=table["data"],
            title=table["title"],
            network=table["network"],
            columns=tuple(_column(text) for text in table["columns"]),
            rows={row: tuple(number / 100 for number in numbers) for row, numbers in table["rows"].items()},
        )
        for table in content["table"]
    )


def published_table(name: str) -> Published | None:
    """Return the table that is called `name` or is about the data set `name`; None when there is none."""
    return next((table for table in published_tables() if name in (table.name, table.data)), None)


def _column(text: str) -> tuple[str, int]:
    method, n = text.rsplit(" ", 1)
    return method, int(n)
