"""The numbers that two papers print, to stand beside ours.

Source: MiSentry / BIVBench, Table 1 (CIFAR-10, GTSRB, ImageNet; 23 rows, 22 where there is no transfer learning) and
Table 4 (MNIST), transcribed in `published.toml`. Their N = 1 columns are what ours are compared with: half of
PublicCheck's N = 5 cells are above what the stated procedure allows (`docs/rates.md`). Z. He, T. Zhang and R. Lee,
"Sensitive-Sample Fingerprinting of Deep Neural Networks", CVPR 2019, Tables III to VI, in `published_outputs.toml`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

COLUMNS = {"misentry": "MiSentry", "public-check": "PublicCheck", "ssf": "SSF", "ssf-bo": "SSF-BO"}
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
    content = tomllib.loads(files("modelprint.bench.detection").joinpath("published.toml").read_text(encoding="utf-8"))
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


@dataclass(frozen=True, kw_only=True)
class PublishedOutputs:
    """One table about output forms.

    Attributes:
        data: The data set it is about; ours has the same name where we have it.
        row: Row of ours that it is compared with.
        title: Which table it is.
        network: What was tampered with.
        selection: How its samples were chosen.
        outputs: Name in OUTPUTS of each column.
        rows: Number of samples -> rates, 0 to 1, in the order of the columns.
    """

    data: str
    row: str
    title: str
    network: str
    selection: str
    outputs: tuple[str, ...]
    rows: Mapping[int, tuple[float, ...]]

    def rate(self, output: str, n: int) -> float | None:
        """Return the rate in a form of answers with `n` samples; None when the table does not have it."""
        if n not in self.rows or output not in self.outputs:
            return None
        return self.rows[n][self.outputs.index(output)]


@cache
def published_outputs() -> tuple[PublishedOutputs, ...]:
    """Return every table about output forms, in the order of the file."""
    content = tomllib.loads(
        files("modelprint.bench.detection").joinpath("published_outputs.toml").read_text(encoding="utf-8")
    )
    return tuple(
        PublishedOutputs(
            data=table["data"],
            row=table["row"],
            title=table["title"],
            network=table["network"],
            selection=table["selection"],
            outputs=tuple(table["columns"]),
            rows={int(n): tuple(number / 100 for number in numbers) for n, numbers in table["rows"].items()},
        )
        for table in content["table"]
    )


def outputs_of(data: str, row: str) -> PublishedOutputs | None:
    """Return the table about a row of a data set; None when there is none."""
    return next((table for table in published_outputs() if (table.data, table.row) == (data, row)), None)


def _column(text: str) -> tuple[str, int]:
    method, n = text.rsplit(" ", 1)
    return method, int(n)
