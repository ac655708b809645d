"""Figures: drawn once, written as SVG that stands inside a page or as PNG for documents.

An SVG loads nothing and takes the page's ink and font. Text stays text, so that a page in the dark shows it in its own
colour and a search finds it. Names come from plans and may hold anything; matplotlib's formulas are switched off, and
what it writes is escaped.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from modelprint.errors import BenchError

INK = "#010203"
"""Stands for the ink of the page, which takes its place afterwards."""

PALETTE = ("#3a7fc1", "#d97b29", "#2f9e77", "#b8579e", "#8470d0", "#a8911f", "#c4524a", "#5f8a99")
"""Told apart by readers who do not see all colours, and legible on white as well as on black."""

STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "modelprint",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

SCALE = 1.4
"""Pixels of the page for a point of the drawing, at most; less where the page is narrow."""

PAPER = "#ffffff"
DARK = "#1b1f24"

ON_PAPER = {
    **{name: DARK if value == INK else value for name, value in STYLE.items()},
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}
"""A picture has no page to take its ink from."""

DOTS_PER_INCH = 110
"""Of the picture."""

LONGEST = 34
"""Characters of a name that a figure shows."""

Draw = Callable[[Any, str], None]
"""Draws into a figure with an ink."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure before it is SVG or PNG.

    Attributes:
        name: Of its section.
        caption: What it shows.
        size: Width and height in inches.
        draw: Fills a figure.
    """

    name: str
    caption: str
    size: tuple[float, float]
    draw: Draw

    def svg(self) -> str:
        """Return it as an SVG element for a page."""
        with load_matplotlib().rc_context(STYLE):
            return render_svg(self._draw_figure(INK), self.name)

    def save(self, path: Path) -> None:
        """Write it as a PNG picture."""
        with load_matplotlib().rc_context(ON_PAPER):
            self._draw_figure(DARK).savefig(path, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})

    def _draw_figure(self, ink: str) -> Any:
        figure = load_matplotlib().figure.Figure(figsize=self.size, layout="constrained")
        self.draw(figure, ink)
        return figure


def shorten_name(name: str) -> str:
    """Return a name that fits, without anything that is no character of XML."""
    plain = "".join(sign if sign.isprintable() else " " for sign in name)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 3] + "..."


def load_matplotlib() -> ModuleType:
    """Return matplotlib; BenchError says which extra brings it."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as problem:
        raise BenchError(
            "figures are drawn with matplotlib, which is not installed: pip install 'modelprint[bench]'"
        ) from problem
    return matplotlib


def render_svg(figure: Any, name: str) -> str:
    """Return a figure as an SVG element whose names cannot clash with those of another figure.

    Texts in the drawing were escaped by matplotlib: whatever they say, they open no element and end no attribute.
    """
    content = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(content, format="svg", metadata=nothing)
    text = content.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    # Inside a page an SVG needs no name spaces, its style sheet would be the whole page's, and the page gives the size.
    text = re.sub(r' xmlns(:\w+)?="[^"]*"|xlink:(?=href)', "", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;<>]*; ", "", text)
    opening, rest = text.split(">", 1)
    size = f"max-width: {round(SCALE * 72 * figure.get_figwidth())}px"
    return re.sub(r' (width|height)="[^"]*"', "", opening) + f' style="{size}" aria-hidden="true">' + rest
