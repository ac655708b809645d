"""The figures of a detection report: curves and distances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelprint.pages.figures import INK, PALETTE, STYLE, load_matplotlib, render_svg, shorten_name

PANELS = 3
"""Side by side, at most; four make a square."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Detection of one fingerprint against the number of samples.

    Attributes:
        name: Of the fingerprint.
        lines: One curve for each line of the table: (n, rate 0..1).
        mean: The mean over the lines.
        published: The paper's means over the rows that are in its table.
    """

    name: str
    lines: tuple[tuple[tuple[int, float], ...], ...]
    mean: tuple[tuple[int, float], ...]
    published: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Detection of one fingerprint against a setting of a tampering.

    Attributes:
        name: Of the fingerprint.
        setting: Its name.
        curves: What a curve is about -> (value above 0, rate 0..1).
    """

    name: str
    setting: str
    curves: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, kw_only=True)
class SuspectDot:
    """One suspect that was asked about a fingerprint.

    Attributes:
        moved: Root mean square change of its logits.
        rate: Share of the samples that see it, 0 to 1.
        reached: Whether it reached its goal.
    """

    moved: float
    rate: float
    reached: bool


def detection_curves(curves: Sequence[Curves]) -> str:
    """Return a panel for each fingerprint: thin lines for the lines of the table, a thick one for their mean."""

    def draw(axes: Any, index: int) -> None:
        shown, colour = curves[index], PALETTE[index % len(PALETTE)]
        for line in shown.lines:
            axes.plot(*_xy(line), color=colour, linewidth=0.9, alpha=0.35)
        axes.plot(*_xy(shown.mean), color=colour, linewidth=2.6, label="mean of all lines")
        if shown.published:
            axes.plot(*_xy(shown.published), "D", color=INK, markersize=5, label="paper, mean of its rows")
            axes.legend(loc="lower right", fontsize=8.5)
        axes.set_title(shorten_name(shown.name))
        axes.set_xlabel("samples asked, N")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _rates_axis(axes)

    return _panels(draw, len(curves), "curves")


def setting_curves(panels: Sequence[Panel]) -> str:
    """Return a panel for each fingerprint: a curve for each number of samples, over a logarithmic axis."""

    def draw(axes: Any, index: int) -> None:
        for place, (label, curve) in enumerate(panels[index].curves.items()):
            colour = PALETTE[place % len(PALETTE)]
            axes.plot(
                [x for x, _ in curve],
                [y for _, y in curve],
                "o-",
                color=colour,
                markersize=4,
                label=shorten_name(label),
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter("")
        axes.set_title(shorten_name(panels[index].name))
        axes.set_xlabel(shorten_name(panels[index].setting))
        axes.legend(loc="lower right", fontsize=8.5)
        _rates_axis(axes)

    return _panels(draw, len(panels), "settings")


def distance_scatter(dots: Mapping[str, Sequence[SuspectDot]]) -> str:
    """Return a panel for each fingerprint: a dot for each suspect, hollow where it missed its goal."""
    names = list(dots)
    known = [dot.moved for some in dots.values() for dot in some]
    limits = (min(known) / 2, max(known) * 2)

    def draw(axes: Any, index: int) -> None:
        colour = PALETTE[index % len(PALETTE)]
        for reached in (True, False):
            some = [dot for dot in dots[names[index]] if dot.reached == reached]
            axes.plot(
                [dot.moved for dot in some],
                [dot.rate for dot in some],
                "o",
                markerfacecolor=colour if reached else "none",
                markeredgecolor=colour,
                markersize=5.5,
                alpha=0.75,
            )
        axes.set_xscale("log")
        axes.set_xlim(*limits)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter("")
        axes.set_title(shorten_name(names[index]))
        axes.set_xlabel("change of the logits, RMS")
        _rates_axis(axes)

    return _panels(draw, len(names), "distance")


def _panels(draw: Any, count: int, name: str) -> str:
    """Return `count` panels, drawn by draw(axes, index), on common axes of rates."""
    plotting = load_matplotlib()
    columns = min(count, 2 if count == 4 else PANELS)
    rows = -(-count // columns)
    with plotting.rc_context(STYLE):
        figure = plotting.figure.Figure(figsize=(4.2 * max(columns, 2), 3.1 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
        for index, axes in enumerate(grid):
            if index < count:
                draw(axes, index)
            else:
                axes.set_visible(False)
        return render_svg(figure, name)


def _rates_axis(axes: Any) -> None:
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("detected, %")


def _xy(line: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [n for n, _ in line], [rate for _, rate in line]
