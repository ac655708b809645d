"""Figures: drawn once, written as inline SVG for pages or as PNG for documents.

An SVG loads nothing and uses the text colour and font of the page. Text remains text, so that it follows dark mode and
can be searched. Names come from plans and may contain anything; matplotlib's formulas are switched off, and its output
is escaped.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from modelprint.errors import BenchError, advise_extra

INK = "#010203"
"""Placeholder for the text colour of the page, by which it is replaced."""

PALETTE = ("#3a7fc1", "#d97b29", "#2f9e77", "#b8579e", "#8470d0", "#a8911f", "#c4524a", "#5f8a99")
"""Distinguishable for colour-blind readers, and legible on white and on black."""

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
"""Largest number of page pixels per point of the drawing; less on a narrow page."""

PAPER = "#ffffff"
DARK = "#1b1f24"

ON_PAPER = {
    **{name: DARK if value == INK else value for name, value in STYLE.items()},
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}
"""The style of PNG pictures, which have no page colours."""

DOTS_PER_INCH = 110
"""Resolution of PNG pictures."""

LONGEST = 34
"""Largest number of characters of a name in a figure."""

Draw = Callable[[Any, str], None]
"""Draws into a figure with a colour for lines and text."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure that can be written as SVG or PNG.

    Attributes:
        name: Name of its section.
        caption: Description of its content.
        size: Width and height in inches.
        draw: Draws the content into a figure.
    """

    name: str
    caption: str
    size: tuple[float, float]
    draw: Draw

    def svg(self) -> str:
        """Return the figure as an SVG element for a page."""
        with load_matplotlib().rc_context(STYLE):
            return render_svg(self._draw_figure(INK), self.name)

    def save(self, path: Path) -> None:
        """Write the figure as a PNG picture."""
        with load_matplotlib().rc_context(ON_PAPER):
            self._draw_figure(DARK).savefig(path, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})

    def _draw_figure(self, ink: str) -> Any:
        figure = load_matplotlib().figure.Figure(figsize=self.size, layout="constrained")
        self.draw(figure, ink)
        return figure


def shorten_name(name: str) -> str:
    """Return a name of limited length, without unprintable characters, which XML forbids."""
    plain = "".join(sign if sign.isprintable() else " " for sign in name)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 3] + "..."


def load_matplotlib() -> ModuleType:
    """Return matplotlib; BenchError names the extra that installs it."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as problem:
        raise BenchError(
            f"figures are drawn with matplotlib, which is not installed; {advise_extra('bench')}"
        ) from problem
    return matplotlib


def render_svg(figure: Any, name: str) -> str:
    """Return a figure as an SVG element whose ids cannot clash with those of another figure.

    Matplotlib escapes all texts, so that none can open an element or end an attribute.
    """
    content = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(content, format="svg", metadata=nothing)
    text = content.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    # Inline SVG needs no name spaces, its style sheet would apply to the whole page, and the page sets the size.
    text = re.sub(r' xmlns(:\w+)?="[^"]*"|xlink:(?=href)', "", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;<>]*; ", "", text)
    opening, rest = text.split(">", 1)
    size = f"max-width: {round(SCALE * 72 * figure.get_figwidth())}px"
    return re.sub(r' (width|height)="[^"]*"', "", opening) + f' style="{size}" aria-hidden="true">' + rest
