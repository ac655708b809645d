"""Draw the figures of docs/results from the data files that lie beside them.

    python benchmarks/result_figures.py docs/results

Writes one PNG for each page that has a figure here. Figures on ownership and on the trade-off come from
`modelprint bench report` and `modelprint tradeoff` themselves.
"""

import argparse
import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from modelprint.pages.figures import PALETTE, Drawing

Rows = list[dict[str, str]]

REACH = {
    "table1-cifar10": ("rates", ("natural", "bisection", "misentry"), ", N = 1"),
    "table1-gtsrb": ("rates", ("natural", "bisection", "misentry"), ", N = 1"),
    "table4-mnist": ("rates", ("natural", "bisection", "public-check", "ssf", "misentry"), ", N = 1"),
    "methods-cifar10": ("methods-2", ("natural", "bisection", "misentry", "ssf", "ibsf", "junction"), ""),
    "junction-cifar10": ("rates", ("junction", "junction-3", "junction-exact", "junction-3-exact"), ", N = 1"),
}
"""For a folder of data: its table of rates at N = 1, the fingerprints drawn, and what follows their name in it."""

FORMS = ("top-1", "top-3", "top-5", "p-dec-1", "p-dec-2", "label+p-dec2")

SIZE = 7.4, 3.8
"""Width and height of a figure in inches."""

TARGETS = ("cifar10-resnet20", "gtsrb-cnn6", "mnist-lenet5", "imagenet-lite0")


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder of the pages; their data lie in its folder data")
    results = parser.parse_args().results
    for name, draw in list_figures(results / "data").items():
        Drawing(name=name, caption="", size=SIZE, draw=draw).save(results / f"{name}.png")


def list_figures(data: Path) -> dict[str, Callable[[Any, str], None]]:
    """Return what draws each figure, by its name."""
    reach = {
        folder: partial(
            draw_reach, read_rows(data / folder / f"{table}.csv"), read_rows(data / folder / "moved.csv"), names, end
        )
        for folder, (table, names, end) in REACH.items()
    }
    forms = partial(draw_forms, read_rows(data / "ssf-output-forms" / "outputs.csv"))
    shares = partial(draw_shares, read_rows(data / "ssf-weight-noise" / "settings.csv"))
    floors = partial(draw_floors, {name: read_rows(data / "noise" / f"{name}-2.csv") for name in TARGETS})
    return {**reach, "ssf-output-forms": forms, "ssf-weight-noise": shares, "noise": floors}


def read_rows(path: Path) -> Rows:
    """Return the rows of a data file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def draw_reach(rates: Rows, moved: Rows, names: tuple[str, ...], end: str, figure: Any, ink: str) -> None:
    """Draw the rate of each line at N = 1 against how far its suspects moved the logits."""
    distances = {line_key(row): float(row["logits, RMS"]) for row in moved if row["logits, RMS"]}
    axes = figure.subplots()
    for name, colour in zip(names, PALETTE, strict=False):
        dots = [
            (distances[line_key(row)], float(row[name + end]))
            for row in rates
            if row[name + end] and line_key(row) in distances
        ]
        axes.plot(*zip(*dots, strict=True), "o", color=colour, label=name, markersize=5, alpha=0.75)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(right=200)
    axes.set_ylim(-3, 103)
    axes.set_xlabel("how far the logits moved, RMS on test images (suspects above 200 left out)")
    axes.set_ylabel("detected at N = 1, %")
    figure.legend(loc="outside right upper")


def line_key(row: dict[str, str]) -> tuple[str, str, str]:
    """Return what makes a line of a report: row, tampering and batch-norm mode."""
    return row["row"], row["tampering"], row["batch norm"]


def draw_forms(rows: Rows, figure: Any, ink: str) -> None:
    """Draw a bar for each output form and fingerprint, with its interval, at N = 1."""
    axes = figure.subplots()
    found = [row for row in rows if row["selection"] == "random" and row["N"] == "1"]
    width = 0.8 / len(found)
    for index, (row, colour) in enumerate(zip(found, PALETTE, strict=False)):
        heights = [float(row[form]) for form in FORMS]
        ends = [
            [height - float(row[f"{form}, low"]) for form, height in zip(FORMS, heights, strict=True)],
            [float(row[f"{form}, high"]) - height for form, height in zip(FORMS, heights, strict=True)],
        ]
        places = [place + (index - (len(found) - 1) / 2) * width for place in range(len(FORMS))]
        axes.bar(places, heights, width, color=colour, label=row["fingerprint"])
        axes.errorbar(places, heights, yerr=ends, fmt="none", ecolor=ink, elinewidth=0.8)
    axes.set_xticks(range(len(FORMS)), FORMS)
    axes.set_xlabel("what the answer shows")
    axes.set_ylabel("trojan detected at N = 1, %")
    figure.legend(loc="outside right upper")


def draw_shares(rows: Rows, figure: Any, ink: str) -> None:
    """Draw a curve for each fingerprint at N = 1 and N = 5 over the share of weights with noise."""
    axes = figure.subplots()
    names = list(dict.fromkeys(row["fingerprint"] for row in rows))
    for row in rows:
        if row["N"] in ("1", "5"):
            shares = {float(name.removeprefix("share ")): float(rate) for name, rate in row.items() if "share" in name}
            colour = PALETTE[names.index(row["fingerprint"])]
            style = "-o" if row["N"] == "1" else "--o"
            axes.plot(
                *zip(*shares.items(), strict=True),
                style,
                color=colour,
                label=f"{row['fingerprint']}, N = {row['N']}",
                markersize=4,
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(-3, 103)
    axes.set_xlabel("share of the weights with noise")
    axes.set_ylabel("detected, %")
    figure.legend(loc="outside right upper")


def draw_floors(tables: dict[str, Rows], figure: Any, ink: str) -> None:
    """Draw the noise floor of each profile, a line for each network."""
    axes = figure.subplots()
    for (name, rows), colour in zip(tables.items(), PALETTE, strict=False):
        axes.plot(
            [row["profile"] for row in rows],
            [float(row["floor"]) for row in rows],
            "-o",
            color=colour,
            label=name,
            markersize=5,
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="x", rotation=30)
    axes.set_xlabel("profile")
    axes.set_ylabel("noise floor, logits")
    figure.legend(loc="outside right upper")


if __name__ == "__main__":
    main()
