"""What a report says about the suspects of ownership: overlap of training images, border points, all models."""

from collections.abc import Sequence
from statistics import fmean, median

from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.results import OwnershipResults, group
from modelprint.bench.ownership.scores import Overlap, find_comparisons, gaps_by_family, overlap
from modelprint.pages.grids import NONE, Grid, Section, Value, format_value, mean, numbers, percent, two_digits, words


def overlaps(run: OwnershipResults) -> Section | None:
    """Similarity of unrelated models against how many images they share with the victim."""
    curves = {by: curve for by in find_comparisons(run.observations) if (curve := overlap(run.observations, by))}
    if not curves:
        return None
    shares = list(dict.fromkeys(share for curve in curves.values() for share in curve.shares))
    rows = tuple(
        (Value(text=f"{100 * share:g} %"), *(_share_value(curve, share) for curve in curves.values()))
        for share in shares
    )
    text = [
        "Unrelated models of the victim's architecture. Published: an overlap of 0 to 90 % makes no difference.",
        *(
            f"Rank correlation of similarity and overlap by {by}: {curve.correlation:+.2f} (p = {curve.p_value:.2g})."
            for by, curve in curves.items()
        ),
    ]
    grid = Grid(
        caption="Mean similarity, and the range over models.",
        head=(*words("overlap"), *numbers(*curves)),
        rows=rows,
    )
    return Section(
        name="overlaps", title="Similarity against the overlap of training images", text=tuple(text), grids=(grid,)
    )


def _share_value(curve: Overlap, share: float) -> Value:
    values = curve.shares.get(share, ())
    if not values:
        return Value(text=NONE, number=True)
    return Value(text=f"{fmean(values):.2f}", note=f"{min(values):.2f} to {max(values):.2f}", number=True)


def border(run: OwnershipResults) -> Section | None:
    """How sure models are at border points of the victim."""
    groups = gaps_by_family(run.observations)
    if not groups:
        return None
    rows = tuple(
        (
            *words(family),
            *numbers(str(models), str(len(values))),
            *numbers(*(two_digits(value) for value in _quantiles(values))),
            *numbers(percent(sum(value < 0.1 for value in values) / len(values))),
        )
        for family, (models, values) in groups.items()
    )
    text = (
        "At a border point the victim gives its two largest probabilities less than 1e-6 apart, in float64. Published: "
        "on extracted models the gap is large (figure A), so boundaries are not inherited point by point.",
    )
    head = (
        *words("suspects"),
        *numbers("models", "points", "lowest tenth", "median", "highest tenth", "below 0.1, %"),
    )
    grid = Grid(caption="Gap of the two largest probabilities.", head=head, rows=rows)
    return Section(name="border", title="Border points of the victim on other models", text=text, grids=(grid,))


def _quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    ranked = sorted(values)
    return ranked[len(ranked) // 10], median(ranked), ranked[len(ranked) * 9 // 10]


def models(run: OwnershipResults) -> Section | None:
    """What the suspects are: accuracy, agreement, similarity."""
    if not run.observations:
        return None
    rows = []
    for key, some in group(run.observations, lambda one: (one.row, one.maker, one.kind, one.suspect.settings)).items():
        shared = {
            name: value
            for name, value in some[0].settings.items()
            if name in ("overlap", "network", "epochs", "queries", "images")
        }
        rows.append(
            (
                *words(
                    f"{key[0]}, of {key[1]}" if key[1] else key[0],
                    f"{some[0].kind} ({format_value(shared)})",
                    some[0].family,
                ),
                Value(text=str(len(some)), note=_roles(some), number=True),
                _spread([one.accuracy for one in some]),
                _spread([one.agreement for one in some]),
                *(_cosines(some, by) for by in find_comparisons(run.observations)),
            )
        )
    head = (
        *words("row", "tampering", "what it is"),
        *numbers("models", "accuracy, %", "victim's label, %"),
        *numbers(*(f"similarity by {by}" for by in find_comparisons(run.observations))),
    )
    text = ("Means, with the range over models. Seeds are 1, 2, ... in each row; encoders are trained on the first.",)
    grid = Grid(caption="Every suspect.", head=head, rows=tuple(rows))
    return Section(name="models", title="The suspects of ownership", text=text, grids=(grid,))


def _roles(some: Sequence[OwnershipObservation]) -> str:
    parts = []
    if training := sum(one.in_training for one in some):
        parts.append(f"{training} in training")
    if missed := sum(not one.goal_reached for one in some):
        parts.append(f"{missed} missed the goal")
    return ", ".join(parts)


def _spread(values: Sequence[float]) -> Value:
    note = f"{percent(min(values))} to {percent(max(values))}" if len(values) > 1 else ""
    return Value(text=percent(mean(values)), note=note, number=True)


def _cosines(some: Sequence[OwnershipObservation], by: str) -> Value:
    values = [one.similarity(by) for one in some if by in one.similarities and not one.in_training]
    if not values:
        return Value(text=NONE, number=True)
    note = f"{min(values):.2f} to {max(values):.2f}" if len(values) > 1 else ""
    return Value(text=f"{fmean(values):.2f}", note=note, number=True)
