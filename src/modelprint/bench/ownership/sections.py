"""What a report says about ownership, section by section, from the findings of a run."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from modelprint.bench.ownership.finding import Finding
from modelprint.bench.ownership.published import AUC, SIMILARITIES
from modelprint.bench.ownership.scores import (
    FAMILIES,
    STRANGERS,
    WELCH,
    Overlap,
    bootstrap,
    compared,
    counted,
    outcome_counts,
    overlap,
    separation,
    verdicts,
    welch_p_values,
)
from modelprint.bench.reading import Run
from modelprint.bench.score import Table
from modelprint.intervals import exact_interval
from modelprint.ownership import Claim, Judge, OwnershipVerdict, Separation
from modelprint.pages.grids import (
    NONE,
    Grid,
    Section,
    Value,
    format_value,
    mapping,
    mean,
    number,
    numbers,
    percent,
    two_digits,
    words,
)

NOT_LEARNT = "Models that an encoder learnt from are left out, and extractions that missed their goal."


def ownership(run: Run, table: Table) -> Section | None:
    """How far apart copies and unrelated models are, by each comparison."""
    if not run.findings:
        return None
    learnt = [one for one in run.findings if one.learnt]
    sides = [sum(one.relation == relation for one in learnt) for relation in ("copy", "unrelated")]
    text: tuple[str, ...] = (
        f"Similarity of a model to the victim: the mean over views of the cosine between what both answered. "
        f"{NOT_LEARNT} Beside the victim, copies that the encoder learnt from: {sides[0]}; unrelated models: "
        f"{sides[1]}.",
        f"Published: AUC {AUC:g}, and mean similarities of {SIMILARITIES[0]:g} (extracted) and {SIMILARITIES[1]:g} "
        f"(unrelated), a gap of {SIMILARITIES[0] - SIMILARITIES[1]:.2f}, by the encoder of another victim.",
        "Of two intervals the first is the bootstrap's over models, which is 1 to 1 where all are told apart; the "
        "second holds for any distribution (Hoeffding).",
    )
    rows = tuple(
        _separation_row(run.findings, by, families)
        for by in compared(run.findings)
        for families in (("extracted",), ("derived",), ("derived", "extracted"))
        if separation(run.findings, by, families)
    )
    text += tuple(
        f"By {by}: copies of another victim, made as the extracted ones were, have a mean similarity of "
        f"{two(fmean(values))} ({min(values):.2f} to {max(values):.2f}, {len(values)} models); what knows this "
        "victim has them among the unrelated ones."
        for by in compared(run.findings)
        if (values := [one.similarity(by) for one in counted(run.findings, STRANGERS)])
    )
    head = (
        *words("compared by", "copies"),
        *numbers("of copies", "of unrelated", "gap", "smallest of copies", "largest of unrelated", "AUC"),
    )
    made = mapping(mapping(run.protocol.get("ownership")).get("made"))
    facts = [(label, format_value(what)) for label, what in made.items()]
    settings = mapping(mapping(run.protocol.get("ownership")).get("settings"))
    facts += [(f"settings, {name}", format_value(what)) for name, what in settings.items()]
    grid = Grid(caption="Mean similarities, and the area under the ROC curve over models.", head=head, rows=rows)
    return Section(
        name="ownership",
        title="Copies and unrelated models",
        text=text,
        facts=tuple(facts),
        grids=(grid,) if rows else (),
    )


def _separation_row(findings: Sequence[Finding], by: str, families: tuple[str, ...]) -> tuple[Value, ...]:
    found = separation(findings, by, families)
    assert found is not None
    return (
        *words(by, " and ".join(families)),
        Value(text=two(fmean(found.copies)), note=f"{len(found.copies)} models", number=True),
        Value(text=two(fmean(found.others)), note=f"{len(found.others)} models", number=True),
        *numbers(two(found.gap), two(min(found.copies)), two(max(found.others))),
        Value(text=f"{found.auc:.3f}", note=intervals(found), number=True),
    )


def intervals(found: Separation) -> str:
    """Return both intervals of an area."""
    low, high = bootstrap(found)
    any_low, any_high = found.interval
    return f"{low:.2f} to {high:.2f}; {any_low:.2f} to {any_high:.2f}"


def two(value: float) -> str:
    """Return a similarity with two decimals."""
    return f"{value:.2f}"


def judge_of(run: Run) -> Judge:
    """Return the judge with the rates that the plan asks for."""
    told = mapping(run.protocol.get("ownership"))
    alpha, beta = (number(told.get(name)) for name in ("alpha", "beta"))
    usual = Judge()
    return Judge(
        alpha=usual.alpha if alpha is None else alpha,
        beta=usual.beta if beta is None else beta,
    )


def said_by(run: Run, by: str) -> Mapping[str, OwnershipVerdict]:
    """Return the verdicts by a comparison; none where there are too few references."""
    try:
        return verdicts(run.findings, judge_of(run), by)
    except ValueError:
        return {}


def judged(run: Run, table: Table) -> Section | None:
    """What a judge says of each suspect."""
    if not run.findings:
        return None
    judge = judge_of(run)
    text = [
        f"A suspect is a copy when at most {judge.alpha:g} of the unrelated models, itself counted among them, are as "
        f"similar; unrelated when at most {judge.beta:g} of the extracted ones are as dissimilar and it is no copy. "
        "What is rare for both is inconclusive. Each is judged by all others, so whatever the method at most a "
        "share of alpha of the unrelated models can be accused; what counts is how many copies are claimed.",
    ]
    rows = []
    for by in compared(run.findings):
        said = said_by(run, by)
        for family, counts in outcome_counts(run.findings, said, lambda one: one.family).items():
            rows.append((*words(by, family), *_outcomes(counts)))
    if not rows:
        text.append(_too_few(run, judge))
    if accused := _accused_by_views(run):
        text.append(accused)
    head = (*words("compared by", "suspects"), *numbers("models", "copy", "unrelated", "inconclusive", "copy, %"))
    grid = Grid(
        caption="Verdicts, with the 95 % interval of the share that is called a copy.", head=head, rows=tuple(rows)
    )
    return Section(name="judged", title="Verdicts", text=tuple(text), grids=(grid,) if rows else ())


def _too_few(run: Run, judge: Judge) -> str:
    try:
        verdicts(run.findings, judge)
    except ValueError as problem:
        return f"There are no verdicts: {problem}."
    return "There are no verdicts yet."


def _outcomes(counts: Mapping[Claim, int]) -> tuple[Value, ...]:
    total = sum(counts.values())
    low, high = exact_interval(counts[Claim.COPY], total)
    return (
        *numbers(str(total), *(str(counts[claim]) for claim in (Claim.COPY, Claim.UNRELATED, Claim.INCONCLUSIVE))),
        Value(
            text=percent(counts[Claim.COPY] / total),
            note=f"{percent(low)} to {percent(high)}",
            number=True,
            heat=counts[Claim.COPY] / total,
        ),
    )


def _accused_by_views(run: Run) -> str:
    try:
        found = welch_p_values(run.findings)
    except ValueError:
        return ""
    told = []
    for family in ("derived", "extracted", "unrelated"):
        some = [found[one.key] for one in counted(run.findings, family) if one.key in found]
        if some:
            told.append(f"{sum(p < WELCH for p in some)} of {len(some)} {family}")
    return (
        f"The paper's kind of test, between views instead of models, at its confidence of 99.99 %, calls copies: "
        f"{', '.join(told)}."
    )


def overlaps(run: Run, table: Table) -> Section | None:
    """Similarity of unrelated models against how many images they share with the victim."""
    curves = {by: curve for by in compared(run.findings) if (curve := overlap(run.findings, by))}
    if not curves:
        return None
    shares = list(dict.fromkeys(share for curve in curves.values() for share in curve.shares))
    rows = tuple(
        (Value(text=f"{100 * share:g} %"), *(_at(curve, share) for curve in curves.values())) for share in shares
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


def _at(curve: Overlap, share: float) -> Value:
    values = curve.shares.get(share, ())
    if not values:
        return Value(text=NONE, number=True)
    return Value(text=two(fmean(values)), note=f"{min(values):.2f} to {max(values):.2f}", number=True)


def border(run: Run, table: Table) -> Section | None:
    """How sure models are at border points of the victim."""
    groups = gaps(run.findings)
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


def gaps(findings: Sequence[Finding]) -> dict[str, tuple[int, list[float]]]:
    """Return by family how many models there are, and the gaps of all of them."""
    found = {}
    for family in FAMILIES:
        some = [one for one in findings if one.family == family and one.gaps]
        if some:
            found[family] = (len(some), [gap for one in some for gap in one.gaps])
    return found


def _quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    ranked = sorted(values)
    return ranked[len(ranked) // 10], median(ranked), ranked[len(ranked) * 9 // 10]


def models(run: Run, table: Table) -> Section | None:
    """What the suspects are: accuracy, agreement, similarity."""
    if not run.findings:
        return None
    rows = []
    for key, some in grouped(
        run.findings, lambda one: (one.row, one.maker, one.kind, repr(sorted(one.settings.items())))
    ).items():
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
                *(_cosines(some, by) for by in compared(run.findings)),
            )
        )
    head = (
        *words("row", "tampering", "what it is"),
        *numbers("models", "accuracy, %", "victim's label, %"),
        *numbers(*(f"similarity by {by}" for by in compared(run.findings))),
    )
    text = ("Means, with the range over models. Seeds are 1, 2, ... in each row; encoders learn from the first.",)
    grid = Grid(caption="Every suspect.", head=head, rows=tuple(rows))
    return Section(name="models", title="The suspects of ownership", text=text, grids=(grid,))


def _roles(some: Sequence[Finding]) -> str:
    parts = []
    if learnt := sum(one.learnt for one in some):
        parts.append(f"{learnt} learnt from")
    if missed := sum(not one.goal_reached for one in some):
        parts.append(f"{missed} missed the goal")
    return ", ".join(parts)


def _spread(values: Sequence[float]) -> Value:
    note = f"{percent(min(values))} to {percent(max(values))}" if len(values) > 1 else ""
    return Value(text=percent(mean(values)), note=note, number=True)


def _cosines(some: Sequence[Finding], by: str) -> Value:
    values = [one.similarity(by) for one in some if by in one.similarities and not one.learnt]
    if not values:
        return Value(text=NONE, number=True)
    note = f"{min(values):.2f} to {max(values):.2f}" if len(values) > 1 else ""
    return Value(text=two(fmean(values)), note=note, number=True)


def grouped(findings: Sequence[Finding], of: Callable[[Finding], Any]) -> dict[Any, list[Finding]]:
    """Return the findings by what `of` says of each, in their order."""
    groups: dict[Any, list[Finding]] = {}
    for one in findings:
        groups.setdefault(of(one), []).append(one)
    return groups
