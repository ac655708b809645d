"""The figure of a trade-off: detection at N = 1 against the top-1 probability of the samples, and what cannot be."""

import io
from typing import Any

from modelprint.pages.figures import (
    DARK,
    DOTS_PER_INCH,
    INK,
    ON_PAPER,
    PALETTE,
    STYLE,
    load_matplotlib,
    render_svg,
    shorten_name,
)
from modelprint.tradeoff.curve import Tradeoff

CAPTION = (
    "Detection at N = 1 against the median top-1 probability of the samples; a line for each suspect, a dot with its "
    "95 % interval for each point. A dotted line is the bound of a suspect: a sample to the right of it keeps its "
    "label. In the shaded region, that of the suspect that moves farthest, no fingerprint can be: of samples whose "
    "median is above the bound, at most half can get another label."
)


def tradeoff_svg(tradeoff: Tradeoff) -> str:
    """Return the figure as an SVG element for a page."""
    with load_matplotlib().rc_context(STYLE):
        return render_svg(_figure(tradeoff, INK), "tradeoff")


def tradeoff_png(tradeoff: Tradeoff) -> bytes:
    """Return the figure as a PNG picture."""
    content = io.BytesIO()
    with load_matplotlib().rc_context(ON_PAPER):
        _figure(tradeoff, DARK).savefig(content, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return content.getvalue()


def _figure(tradeoff: Tradeoff, ink: str) -> Any:
    figure = load_matplotlib().figure.Figure(figsize=(7.4, 4.6), layout="constrained")
    axes = figure.subplots()
    _shade(axes, tradeoff, ink)
    for place, kind in enumerate(tradeoff.suspects):
        _draw_suspect(axes, tradeoff, kind, PALETTE[place % len(PALETTE)])
    for point in tradeoff.points:
        if point.seen:
            axes.annotate(
                point.name,
                (point.confidence, 1.03),
                xycoords=("data", "axes fraction"),
                ha="center",
                rotation=60,
                fontsize=8.5,
            )
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("top-1 probability of the samples, median")
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_ylabel("detected at N = 1, %")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8.5)
    return figure


def _draw_suspect(axes: Any, tradeoff: Tradeoff, kind: str, colour: str) -> None:
    found = sorted(tradeoff.seen(kind), key=lambda pair: pair[0].confidence)
    x = [point.confidence for point, _ in found]
    y = [seen.rate for _, seen in found]
    ends = [[seen.rate - seen.low for _, seen in found], [seen.high - seen.rate for _, seen in found]]
    axes.errorbar(x, y, ends, fmt="none", ecolor=colour, elinewidth=0.9, alpha=0.45)
    axes.plot(x, y, "o-", color=colour, markersize=4.5, label=shorten_name(kind))
    axes.axvline(tradeoff.bound(kind), color=colour, linestyle=":", linewidth=1.2)


def _shade(axes: Any, tradeoff: Tradeoff, ink: str) -> None:
    """Shade where no fingerprint can be, for the suspect that moves farthest and so for all of them."""
    farthest = max(tradeoff.suspects, key=tradeoff.bound)
    label = f"impossible for {shorten_name(farthest)}"
    axes.fill_between([tradeoff.bound(farthest), 1.02], 0.5, 1.03, color=ink, alpha=0.1, linewidth=0, label=label)
