"""What a report says about ownership, section by section, from the observations of a run."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from modelprint.bench.ownership.observation import OwnershipObservation
from modelprint.bench.ownership.published import AUC, SIMILARITIES
from modelprint.bench.ownership.results import OwnershipResults
from modelprint.bench.ownership.scores import (
    OTHERS_COPY,
    WELCH,
    bootstrap,
    find_comparisons,
    outcome_counts,
    select_counted,
    separation,
    verdicts,
    welch_p_values,
)
from modelprint.intervals import exact_interval
from modelprint.ownership import Claim, Judge, Separation
from modelprint.pages.grids import (
    Grid,
    Section,
    Value,
    format_value,
    numbers,
    percent,
    words,
)

LEFT_OUT = "Models that an encoder was trained on are left out, and extractions that missed their goal."


def separations(run: OwnershipResults) -> Section | None:
    """How far apart copies and unrelated models are, by each comparison."""
    if not run.observations:
        return None
    training = [one for one in run.observations if one.in_training]
    sides = [sum(one.relation == relation for one in training) for relation in ("copy", "unrelated")]
    text: tuple[str, ...] = (
        f"Similarity of a model to the victim: the mean over views of the cosine between what both answered. "
        f"{LEFT_OUT} Training models beside the victim: copies {sides[0]}, unrelated {sides[1]}.",
        f"Published: AUC {AUC:g}, and mean similarities of {SIMILARITIES[0]:g} (extracted) and {SIMILARITIES[1]:g} "
        f"(unrelated), a gap of {SIMILARITIES[0] - SIMILARITIES[1]:.2f}, by the encoder of another victim.",
        "Of two intervals the first is the bootstrap's over models, which is 1 to 1 where all copies are above all "
        "others; the second holds for any distribution (Hoeffding).",
    )
    rows = tuple(
        _separation_row(run.observations, by, families)
        for by in find_comparisons(run.observations)
        for families in (("extracted",), ("derived",), ("derived", "extracted"))
        if separation(run.observations, by, families)
    )
    text += tuple(
        f"By {by}: copies of another victim, made as the extracted ones were, have a mean similarity of "
        f"{two(fmean(values))} ({min(values):.2f} to {max(values):.2f}, {len(values)} models); a test that "
        "knows this victim should have them among the unrelated ones."
        for by in find_comparisons(run.observations)
        if (values := [one.similarity(by) for one in select_counted(run.observations, OTHERS_COPY)])
    )
    head = (
        *words("compared by", "copies"),
        *numbers("of copies", "of unrelated", "gap", "smallest of copies", "largest of unrelated", "AUC"),
    )
    facts = [(label, format_value(what)) for label, what in run.record.made.items()]
    facts += [(f"settings, {name}", format_value(what)) for name, what in run.record.settings.items()]
    grid = Grid(caption="Mean similarities, and the area under the ROC curve over models.", head=head, rows=rows)
    return Section(
        name="ownership",
        title="Copies and unrelated models",
        text=text,
        facts=tuple(facts),
        grids=(grid,) if rows else (),
    )


def _separation_row(
    observations: Sequence[OwnershipObservation], by: str, families: tuple[str, ...]
) -> tuple[Value, ...]:
    found = separation(observations, by, families)
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


def decisions(run: OwnershipResults) -> Section | None:
    """What the verdicts on the suspects are."""
    if not run.observations:
        return None
    judge = run.judge
    text = [
        f"A suspect is a copy when at most {judge.alpha:g} of the unrelated models, itself counted among them, are as "
        f"similar; unrelated when at most {judge.beta:g} of the extracted ones are as dissimilar and it is no copy. "
        "What is rare for both is inconclusive. Each is judged by all others, so whatever the method at most a "
        "share of alpha of the unrelated models can be accused; what counts is how many copies are claimed.",
    ]
    rows = []
    for by in find_comparisons(run.observations):
        found = run.verdicts(by)
        for family, counts in outcome_counts(run.observations, found, lambda one: one.family).items():
            rows.append((*words(by, family), *_outcome_values(counts)))
    if not rows:
        text.append(_why_none(run, judge))
    if sentence := _welch_sentence(run):
        text.append(sentence)
    head = (*words("compared by", "suspects"), *numbers("models", "copy", "unrelated", "inconclusive", "copy, %"))
    grid = Grid(
        caption="Verdicts, with the 95 % interval of the share that is called a copy.", head=head, rows=tuple(rows)
    )
    return Section(name="judged", title="Verdicts", text=tuple(text), grids=(grid,) if rows else ())


def _why_none(run: OwnershipResults, judge: Judge) -> str:
    try:
        verdicts(run.observations, judge)
    except ValueError as problem:
        return f"There are no verdicts: {problem}."
    return "There are no verdicts yet."


def _outcome_values(counts: Mapping[Claim, int]) -> tuple[Value, ...]:
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


def _welch_sentence(run: OwnershipResults) -> str:
    try:
        found = welch_p_values(run.observations)
    except ValueError:
        return ""
    parts = []
    for family in ("derived", "extracted", "unrelated"):
        some = [found[one.key] for one in select_counted(run.observations, family) if one.key in found]
        if some:
            parts.append(f"{sum(p < WELCH for p in some)} of {len(some)} {family}")
    return (
        f"The paper's kind of test, between views instead of models, at its confidence of 99.99 %, calls copies: "
        f"{', '.join(parts)}."
    )
