"""The figure of the times that parts of a run took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelprint.bench.contents import Timing
from modelprint.pages.figures import PALETTE, STYLE, load_matplotlib, render_svg, shorten_name

BARS = 30
"""Parts shown with a bar of their own."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How long one part took.

    Attributes:
        name: Of the part.
        stage: Parts of one stage have one colour.
        seconds: All its jobs together.
    """

    name: str
    stage: str
    seconds: float


def longest_parts(timings: Iterable[Timing]) -> list[Bar]:
    """Return the longest parts, and what remains as one."""
    parts: dict[tuple[str, str], float] = {}
    for timing in timings:
        place = (timing.stage, timing.part)
        parts[place] = parts.get(place, 0.0) + timing.seconds
    ranked = sorted(parts.items(), key=lambda entry: -entry[1])
    bars = [Bar(name=part, stage=stage, seconds=seconds) for (stage, part), seconds in ranked[:BARS]]
    if rest := ranked[BARS:]:
        bars.append(Bar(name=f"{len(rest)} others", stage="others", seconds=sum(took for _, took in rest)))
    return bars


def draw_bars(bars: Sequence[Bar]) -> str:
    """Return a bar for each part, in the order given, with its time in words beside it."""
    plotting = load_matplotlib()
    stages = list(dict.fromkeys(bar.stage for bar in bars))
    with plotting.rc_context(STYLE):
        figure = plotting.figure.Figure(figsize=(10, 0.9 + 0.27 * len(bars)), layout="constrained")
        axes = figure.subplots()
        for stage in stages:
            places = [place for place, bar in enumerate(bars) if bar.stage == stage]
            colour = PALETTE[stages.index(stage) % len(PALETTE)]
            axes.barh(places, [bars[place].seconds / 60 for place in places], color=colour, label=shorten_name(stage))
        axes.set_yticks(range(len(bars)), [shorten_name(bar.name) for bar in bars])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.margins(y=0.01)
        axes.set_xlabel("minutes of one worker")
        axes.legend(loc="lower right")
        return render_svg(figure, "times")
