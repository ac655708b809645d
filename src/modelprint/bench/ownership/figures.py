"""The figures on ownership: similarities, maps of representations, overlap, border gaps, uniqueness.

Each is drawn once and comes out twice: as SVG for the page, and as PNG for documents.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.manifold import TSNE

from modelprint.bench.ownership.examples import example_scores, mean_score, settings_of
from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.published import SIMILARITIES
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.ownership.scores import FAMILIES, find_comparisons, gaps_by_family, overlap
from modelprint.pages.figures import PALETTE, Drawing, shorten_name

COLOURS = dict(zip(FAMILIES, ("#3a7fc1", "#8470d0", "#d97b29", "#c4524a", "#2f9e77"), strict=True))
"""The victim blue, extracted orange, unrelated green, as in the paper's figure C."""
PERPLEXITY = 20
"""Of t-SNE, at most; fewer points have less."""


def drawings(run: OwnershipResults) -> list[Drawing]:
    """Return the figures that there are observations for."""
    if not run.observations:
        return []
    made = [
        _similarities(run.observations),
        _maps(run.observations),
        _overlaps(run.observations),
        _border(run.observations),
    ]
    return [one for one in [*made, _examples(run)] if one is not None]


def _similarities(observations: Sequence[OwnershipObservation]) -> Drawing:
    known = find_comparisons(observations)

    def draw(figure: Any, ink: str) -> None:
        for axes, by in zip(_row(figure, len(known), sharey=True), known, strict=True):
            for place, family in enumerate(FAMILIES):
                some = [one for one in observations if one.family == family and not one.in_training]
                for reached in (True, False):
                    values = [one.similarity(by) for one in some if one.goal_reached == reached]
                    spread = place + np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else [place] * len(values)
                    fill = COLOURS[family] if reached else "none"
                    axes.plot(
                        values, spread, "o", color=COLOURS[family], markerfacecolor=fill, markersize=4.5, alpha=0.8
                    )
            for value in SIMILARITIES:
                axes.axvline(value, color=ink, linestyle=":", linewidth=1)
            axes.set_yticks(range(len(FAMILIES)), FAMILIES)
            axes.invert_yaxis()
            axes.set_title(shorten_name(by))
            axes.set_xlabel("similarity to the victim")

    caption = (
        "Each dot is a model that no encoder was trained on; hollow dots missed their goal. Dotted: the published "
        "means of extracted (0.85) and unrelated models (0.33)."
    )
    return Drawing(name="ownership", caption=caption, size=(3.6 * max(len(known), 2), 2.9), draw=draw)


def _maps(observations: Sequence[OwnershipObservation]) -> Drawing | None:
    known = [by for by in reversed(find_comparisons(observations)) if any(by in one.codes for one in observations)]
    points = {by: [(one.family, code) for one in observations for code in one.codes.get(by, [])] for by in known}
    if not known or min(map(len, points.values())) < 8:
        return None

    def draw(figure: Any, ink: str) -> None:
        for axes, by in zip(_row(figure, len(known)), known, strict=True):
            places = _embed(np.array([code for _, code in points[by]]))
            for family in reversed(FAMILIES):
                chosen = np.array([name == family for name, _ in points[by]])
                axes.plot(*places[chosen].T, "o", color=COLOURS[family], markersize=3.5, alpha=0.7, label=family)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(shorten_name(by))
        axes.legend(loc="best", fontsize=8)

    caption = (
        "t-SNE of what models answered to four views each: as it was answered, and as encoders represent it, as in the "
        "paper's figures C and E. Models that the encoder was trained on are in it."
    )
    return Drawing(name="models", caption=caption, size=(3.6 * max(len(known), 2), 3.2), draw=draw)


def _embed(codes: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n 2"]:
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    found: Float[np.ndarray, "n 2"] = TSNE(perplexity=perplexity, init="random", random_state=0).fit_transform(codes)
    return found


def _overlaps(observations: Sequence[OwnershipObservation]) -> Drawing | None:
    curves = {by: curve for by in find_comparisons(observations) if (curve := overlap(observations, by))}
    if not curves:
        return None

    def draw(figure: Any, ink: str) -> None:
        axes = figure.subplots()
        for place, (by, curve) in enumerate(curves.items()):
            colour, shares = PALETTE[place], list(curve.shares)
            for share, values in curve.shares.items():
                axes.plot([100 * share] * len(values), values, "o", color=colour, markersize=4, alpha=0.6)
            means = [sum(values) / len(values) for values in curve.shares.values()]
            axes.plot([100 * share for share in shares], means, color=colour, label=shorten_name(by))
        axes.set_xlabel("training images shared with the victim, %")
        axes.set_ylabel("similarity")
        axes.set_ylim(min(0, axes.get_ylim()[0]), 1.03)
        axes.legend(loc="best", fontsize=8.5)

    caption = "Similarity of unrelated models of the victim's architecture against the overlap; lines join the means."
    return Drawing(name="overlaps", caption=caption, size=(6.4, 3.4), draw=draw)


def _border(observations: Sequence[OwnershipObservation]) -> Drawing | None:
    groups = gaps_by_family(observations)
    if not groups:
        return None

    def draw(figure: Any, ink: str) -> None:
        axes = figure.subplots()
        for family, (models, values) in groups.items():
            ranked = np.sort(values)
            label = f"{family} ({models})"
            axes.plot(ranked, np.arange(1, len(ranked) + 1) / len(ranked), color=COLOURS[family], label=label)
        axes.set_xlabel("gap of the two largest probabilities")
        axes.set_ylabel("share of border points")
        axes.set_ylim(0, 1.02)
        axes.legend(loc="best", fontsize=8.5)

    caption = "Share of the victim's border points at which the gap is at most so large; all models of a kind together."
    return Drawing(name="border", caption=caption, size=(6.4, 3.4), draw=draw)


def _examples(run: OwnershipResults) -> Drawing | None:
    bands = _curves(run)
    if not bands:
        return None

    def draw(figure: Any, ink: str) -> None:
        for axes, (name, curve) in zip(_row(figure, len(bands), sharey=True), bands.items(), strict=True):
            for place, label in ((1, "here"), (2, "published")):
                line = [(point[0], point[place]) for point in curve if point[place] is not None]
                style = "o-" if place == 1 else "D:"
                axes.plot(*zip(*line, strict=True), style, color=PALETTE[0] if place == 1 else ink, label=label)
            axes.axhline(0, color=ink, linewidth=0.6)
            axes.set_title(name)
            axes.set_xlabel("weight noise, delta")
        axes.legend(loc="best", fontsize=8.5)
        figure.axes[0].set_ylabel("uniqueness, points")

    caption = "Uniqueness score, the mean over copies pruned by 80, 90 and 95 %, against the noise on the weights."
    return Drawing(name="examples", caption=caption, size=(2.9 * max(len(bands), 2), 2.9), draw=draw)


def _curves(run: OwnershipResults) -> Mapping[str, list[tuple[float, float, float]]]:
    """Return noise, our mean score and the paper's, by the filter's band."""
    bands: dict[str, list[tuple[float, float, float]]] = {}
    for name, (score, published) in example_scores(run).items():
        settings, ours = settings_of(run, name), mean_score(score)
        if settings is None or published is None or ours is None:
            continue
        band = f"LTRC, k = {settings.band}" if settings.band else "vanilla and RC"
        bands.setdefault(band, []).append((settings.noise, 100 * ours, sum(published.scores) / len(published.scores)))
    return {band: sorted(points) for band, points in bands.items() if len(points) > 1}


def _row(figure: Any, count: int, **shared: Any) -> Any:
    return figure.subplots(1, count, squeeze=False, **shared)[0]
