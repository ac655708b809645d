"""What a report says about C-examples, and about which question each method answers."""

from collections.abc import Mapping, Sequence

from scipy.stats import spearmanr

from modelprint.bench.observation import Observation
from modelprint.bench.ownership.finding import OWN, Finding
from modelprint.bench.ownership.published import PublishedExamples, published_examples
from modelprint.bench.ownership.scores import RATIOS, ExampleScore, counted, example_score
from modelprint.bench.ownership.sections import grouped, judge_of, said_by
from modelprint.bench.reading import Run
from modelprint.bench.score import Table
from modelprint.ownership import CExamples, Claim, Uniqueness
from modelprint.pages.grids import (
    NONE,
    Grid,
    Section,
    Value,
    format_value,
    mapping,
    number,
    numbers,
    percent,
    points,
    words,
)


def example_scores(run: Run) -> dict[str, tuple[ExampleScore, PublishedExamples | None]]:
    """Return the scores of all C-examples of a run, each beside its row of the paper."""
    told = mapping(mapping(run.protocol.get("ownership")).get("examples"))
    found = {}
    for name, facts in told.items():
        count = number(mapping(facts).get("examples")) or 0
        score = example_score(run.findings, name, int(count), judge_of(run).alpha)
        if score:
            found[name] = score, _published(mapping(mapping(facts).get("settings")))
    return found


def settings_of(run: Run, name: str) -> CExamples | None:
    """Return how C-examples were made; None where the protocol does not say it."""
    facts = mapping(mapping(mapping(run.protocol.get("ownership")).get("examples")).get(name))
    return _settings(mapping(facts.get("settings")))


def _settings(told: Mapping[str, object]) -> CExamples | None:
    try:
        return CExamples(**told)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _published(told: Mapping[str, object]) -> PublishedExamples | None:
    settings = _settings(told)
    return None if settings is None else published_examples(settings)


def examples(run: Run, table: Table) -> Section | None:
    """Robustness, transferability and uniqueness of C-examples."""
    found = example_scores(run)
    told = mapping(mapping(run.protocol.get("ownership")).get("examples"))
    if not told:
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
        text=_text(run, found, told),
        grids=(grid,) if rows else (),
    )


def _row(run: Run, score: ExampleScore, published: PublishedExamples | None) -> tuple[Value, ...]:
    low, high = score.transfer.interval
    cells = []
    for place, ratio in enumerate(RATIOS):
        if ratio in score.by_ratio:
            cells.append(_unique(score.by_ratio[ratio]))
            cells.append(Value(text=NONE if published is None else f"{published.scores[place]:+d}", number=True))
    return (
        *words(score.name),
        *numbers(str(score.examples)),
        Value(text=percent(score.transfer.share), note=f"{percent(low)} to {percent(high)}", number=True),
        *numbers(NONE if published is None else str(published.transfer)),
        *cells,
        *numbers(_of(score.false), *(_of(score.claimed.get(family)) for family in ("derived", "extracted"))),
    )


def _unique(found: Uniqueness) -> Value:
    low, high = found.interval
    return Value(text=points(found.score), note=f"{points(low)} to {points(high)}", number=True)


def _of(pair: tuple[int, int] | None) -> str:
    return NONE if pair is None else f"{pair[0]} of {pair[1]}"


def _text(
    run: Run,
    found: Mapping[str, tuple[ExampleScore, PublishedExamples | None]],
    told: Mapping[str, object],
) -> tuple[str, ...]:
    others = max((len(score.transfer.counts) for score, _ in found.values()), default=0)
    text = [
        f"Transfer: share of examples that {others} unrelated models of the victim's architecture give the label they "
        "were made for. Uniqueness: the same share of pruned copies, minus that. A model is claimed when no more of "
        f"the unrelated models than alpha = {judge_of(run).alpha:g} allows give as many labels; each of them is held "
        "against the others. Published: Table 2 of the paper, another network of the same kind."
    ]
    if order := _order(found):
        text.append(order)
    for name, facts in told.items():
        if problem := mapping(facts).get("problem"):
            text.append(f"{name}: {format_value(problem)}.")
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


def questions(run: Run, table: Table) -> Section | None:
    """What integrity fingerprints and ownership methods say of the same suspects."""
    if not run.findings or not run.observations:
        return None
    seen = _seen(run.observations)
    names = [name for name in run.order if any(name in some for some in seen.values())]
    said, chosen = said_by(run, OWN), _chosen(run)
    rows = []
    for group, some in grouped(run.findings, _group).items():
        judged = [one for one in counted(some) if one.key in said]
        copies = sum(said[one.key].outcome == Claim.COPY for one in judged)
        cells = [_of((copies, len(judged))) if judged else NONE]
        if chosen:
            cells.append(_labels(some, chosen))
        rows.append((*words(group), *numbers(str(len(some)), *(_tampered(some, seen, name) for name in names), *cells)))
    head = (
        *words("suspects"),
        *numbers("models", *(f"{name}: tampered" for name in names), "UAP: copy"),
        *(numbers(f"{chosen.name}: labels kept, %") if chosen else ()),
    )
    text = (
        "An integrity fingerprint calls tampered whatever shows in a single label of all its samples: a copy that was "
        "fine-tuned as much as a model of somebody else. A method of ownership says which of the two it is.",
    )
    grid = Grid(caption="Of so many models each method says this.", head=head, rows=tuple(rows))
    return Section(name="questions", title="Which question each method answers", text=text, grids=(grid,))


def _chosen(run: Run) -> ExampleScore | None:
    """Return the C-examples of the setting that the paper finds best, else the first that there are."""
    found = example_scores(run)
    best = next((n for n in found if (s := settings_of(run, n)) and (s.band, s.noise, s.draws) == (2, 0.03, 1)), None)
    return found[best][0] if best else next((score for score, _ in found.values()), None)


def _labels(some: Sequence[Finding], chosen: ExampleScore) -> str:
    kept = [one.kept[chosen.name] / chosen.examples for one in some if chosen.name in one.kept]
    return percent(sum(kept) / len(kept)) if kept else NONE


Suspect = tuple[str, str, int, str]


def _seen(observations: Sequence[Observation]) -> dict[Suspect, dict[str, bool]]:
    """Return by suspect which fingerprints call it tampered."""
    found: dict[Suspect, dict[str, bool]] = {}
    for one in observations:
        suspect = (one.row, one.kind, one.seed, repr(sorted(one.settings.items())))
        found.setdefault(suspect, {})[one.fingerprint] = "1" in one.mismatched
    return found


def _tampered(some: Sequence[Finding], seen: Mapping[Suspect, Mapping[str, bool]], name: str) -> str:
    told = [
        seen[suspect][name]
        for one in some
        if name in seen.get(suspect := (one.row, one.kind, one.seed, repr(sorted(one.settings.items()))), {})
    ]
    return _of((sum(told), len(told))) if told else NONE


def _group(one: Finding) -> str:
    names = {"prune": "pruned", "finetune": "fine-tuned", "int8": "in eight-bit integers"}
    return next((name for start, name in names.items() if one.kind.startswith(start)), one.family)
