"""What a report says about C-examples, and about which question each method answers."""

from collections.abc import Mapping, Sequence

from scipy.stats import spearmanr

from modelprint.bench.lines import AlarmLine, SuspectId
from modelprint.bench.ownership.observation import OWN, OwnershipObservation
from modelprint.bench.ownership.published import PublishedExamples, published_examples
from modelprint.bench.ownership.results import OwnershipResults, group
from modelprint.bench.ownership.scores import RATIOS, ExampleScore, example_score, select_counted
from modelprint.ownership import CExamples, Claim, Uniqueness
from modelprint.pages.grids import (
    NONE,
    Grid,
    Section,
    Value,
    numbers,
    percent,
    points,
    words,
)


def example_scores(run: OwnershipResults) -> dict[str, tuple[ExampleScore, PublishedExamples | None]]:
    """Return the scores of all C-examples of a run, each beside its row of the paper."""
    found = {}
    for name, made in run.record.examples.items():
        score = example_score(run.observations, name, made.examples, run.judge.alpha)
        if score:
            settings = settings_of(run, name)
            found[name] = score, None if settings is None else published_examples(settings)
    return found


def settings_of(run: OwnershipResults, name: str) -> CExamples | None:
    """Return how C-examples were made; None where the record does not say it."""
    try:
        return CExamples(**run.record.examples[name].settings)
    except (KeyError, TypeError, ValueError):
        return None


def examples(run: OwnershipResults) -> Section | None:
    """Robustness, transferability and uniqueness of C-examples."""
    found = example_scores(run)
    if not run.record.examples:
        return None
    rows = tuple(_row(run, score, published) for score, published in found.values())
    ratios = [ratio for ratio in RATIOS if any(ratio in score.by_ratio for score, _ in found.values())]
    head = (
        *words("examples"),
        *numbers("how many", "transfer, %", "published"),
        *numbers(*(part for ratio in ratios for part in (f"uniqueness, {ratio} % pruned", "published"))),
        *numbers("false claims", "derived claimed", "extracted claimed"),
    )
    grid = Grid(caption="In per cent and points; intervals are 95 %.", head=head, rows=rows)
    return Section(
        name="examples",
        title="C-examples",
        text=_text(run, found),
        grids=(grid,) if rows else (),
    )


def _row(run: OwnershipResults, score: ExampleScore, published: PublishedExamples | None) -> tuple[Value, ...]:
    low, high = score.transfer.interval
    cells = []
    for place, ratio in enumerate(RATIOS):
        if ratio in score.by_ratio:
            cells.append(_uniqueness_value(score.by_ratio[ratio]))
            cells.append(Value(text=NONE if published is None else f"{published.scores[place]:+d}", number=True))
    return (
        *words(score.name),
        *numbers(str(score.examples)),
        Value(text=percent(score.transfer.share), note=f"{percent(low)} to {percent(high)}", number=True),
        *numbers(NONE if published is None else str(published.transfer)),
        *cells,
        *numbers(
            _fraction(score.false), *(_fraction(score.claimed.get(family)) for family in ("derived", "extracted"))
        ),
    )


def _uniqueness_value(found: Uniqueness) -> Value:
    low, high = found.interval
    return Value(text=points(found.score), note=f"{points(low)} to {points(high)}", number=True)


def _fraction(pair: tuple[int, int] | None) -> str:
    return NONE if pair is None else f"{pair[0]} of {pair[1]}"


def _text(
    run: OwnershipResults,
    found: Mapping[str, tuple[ExampleScore, PublishedExamples | None]],
) -> tuple[str, ...]:
    others = max((len(score.transfer.counts) for score, _ in found.values()), default=0)
    text = [
        f"Transfer: share of examples that {others} unrelated models of the victim's architecture give the label they "
        "were made for. Uniqueness: the same share of pruned copies, minus that. A model is claimed when no more of "
        f"the unrelated models than alpha = {run.judge.alpha:g} allows give as many labels; each of them is "
        "compared with the others. Published: Table 2 of the paper, another network of the same kind."
    ]
    if order := _order(found):
        text.append(order)
    text += [f"{name}: {made.problem}." for name, made in run.record.examples.items() if made.problem]
    return tuple(text)


def mean_score(score: ExampleScore) -> float | None:
    """Return the mean uniqueness over the ratios that there are."""
    values = [one.score for one in score.by_ratio.values()]
    return sum(values) / len(values) if values else None


def _order(found: Mapping[str, tuple[ExampleScore, PublishedExamples | None]]) -> str:
    pairs = [
        (name, ours, sum(published.scores) / len(published.scores) / 100)
        for name, (score, published) in found.items()
        if published is not None and (ours := mean_score(score)) is not None
    ]
    if len(pairs) < 3 or len({ours for _, ours, _ in pairs}) < 2:
        return ""
    best, theirs = max(pairs, key=lambda pair: pair[1]), max(pairs, key=lambda pair: pair[2])
    correlation = float(spearmanr([ours for _, ours, _ in pairs], [paper for _, _, paper in pairs]).statistic)
    return (
        f"Means over the ratios: the best here is {best[0]} ({points(best[1])}; published {points(best[2])}), the best "
        f"published is {theirs[0]} ({points(theirs[2])}; here {points(theirs[1])}). Rank correlation of both over "
        f"{len(pairs)} settings: {correlation:+.2f}. The best of so many was found by looking at these very models."
    )


def questions(run: OwnershipResults) -> Section | None:
    """What integrity fingerprints and ownership methods say of the same suspects."""
    alarms = [line for line in run.contents.lines if isinstance(line, AlarmLine)]
    if not run.observations or not alarms:
        return None
    names = list(dict.fromkeys(one.fingerprint for one in alarms))
    tampered = {(one.suspect, one.fingerprint): one.is_alarm for one in alarms}
    found, chosen = run.verdicts(OWN), _choose_examples(run)
    rows = []
    for title, some in group(run.observations, _group_title).items():
        judged = [one for one in select_counted(some) if one.key in found]
        copies = sum(found[one.key].outcome == Claim.COPY for one in judged)
        cells = [_fraction((copies, len(judged))) if judged else NONE]
        if chosen:
            cells.append(_labels_kept(some, chosen))
        counts = (_count_tampered(some, tampered, name) for name in names)
        rows.append((*words(title), *numbers(str(len(some)), *counts, *cells)))
    head = (
        *words("suspects"),
        *numbers("models", *(f"{name}: tampered" for name in names), "UAP: copy"),
        *(numbers(f"{chosen.name}: labels kept, %") if chosen else ()),
    )
    text = (
        "An integrity fingerprint calls tampered whatever shows in a single label of all its samples: a copy that was "
        "fine-tuned as well as an unrelated model. A method of ownership says which of the two it is.",
    )
    grid = Grid(caption="Of so many models each method says this.", head=head, rows=tuple(rows))
    return Section(name="questions", title="Which question each method answers", text=text, grids=(grid,))


def _choose_examples(run: OwnershipResults) -> ExampleScore | None:
    """Return the C-examples of the setting that the paper finds best, else the first that there are."""
    found = example_scores(run)
    best = next((n for n in found if (s := settings_of(run, n)) and (s.band, s.noise, s.draws) == (2, 0.03, 1)), None)
    return found[best][0] if best else next((score for score, _ in found.values()), None)


def _labels_kept(some: Sequence[OwnershipObservation], chosen: ExampleScore) -> str:
    kept = [one.kept[chosen.name] / chosen.examples for one in some if chosen.name in one.kept]
    return percent(sum(kept) / len(kept)) if kept else NONE


def _count_tampered(
    some: Sequence[OwnershipObservation], tampered: Mapping[tuple[SuspectId, str], bool], name: str
) -> str:
    """Return how many of some suspects a fingerprint calls tampered."""
    known = [tampered[one.suspect, name] for one in some if (one.suspect, name) in tampered]
    return _fraction((sum(known), len(known))) if known else NONE


def _group_title(one: OwnershipObservation) -> str:
    names = {"prune": "pruned", "finetune": "fine-tuned", "int8": "in eight-bit integers"}
    return next((name for start, name in names.items() if one.kind.startswith(start)), one.family)
