"""From a tally and the trials to a verdict and the sentences that give its reasons. Needs no torch."""

import math
from dataclasses import replace

from modelprint.data.class_order import list_orders
from modelprint.oracles.variants import explain_variant
from modelprint.verification.controls import Trials
from modelprint.verification.doubts import find_doubts, state_doubts, state_rounding
from modelprint.verification.identification import Identification
from modelprint.verification.label_map import write_label_map
from modelprint.verification.score_check import check_scores, state_difference, state_scores
from modelprint.verification.tally import Tally
from modelprint.verification.transcript import Header
from modelprint.verification.verdict import ControlCheck, Observed, Outcome, Verdict


def conclude(tally: Tally, header: Header, trials: Trials | None = None) -> Verdict:
    """Return the verdict on the answers so far.

    Args:
        tally: The answers about samples.
        header: The test.
        trials: The answers about controls; None where there are none.
    """
    seen = tuple(tally.observations.values())
    suspected = judge(tally, header)
    release = tally.candidates.conclude() if tally.candidates and suspected is not Outcome.INTACT else None
    checked = None if trials is None else trials.summarise(list_usable(tally))
    objections = _object(tally, header, trials, checked, release) if suspected is Outcome.TAMPERED else ()
    outcome = Outcome.INCONCLUSIVE if objections else suspected
    p_value = math.exp(-tally.peak)
    answered = tally.matched + tally.mismatched
    tied = sum(observed.answer.tie and not observed.usable for observed in seen)
    scores = check_scores(tally)
    doubts = None if outcome is Outcome.INTACT else find_doubts(seen, tally.source_labels)
    if doubts is not None and scores is not None and scores.used == "scores":
        doubts = replace(doubts, decimals=None)  # rounding is taken into account
    verdict = Verdict(
        outcome=outcome,
        reasons=(),
        p_value=p_value,
        **vars(tally.test) | {"alpha": header.alpha, "beta": header.beta},
        queries=header.queries,
        asked=len(seen),
        answered=answered,
        matched=tally.matched,
        mismatched=tally.mismatched,
        tied=tied,
        failed=len(seen) - answered - tied,
        observations=seen,
        remap=None if outcome is Outcome.TAMPERED else tally.remap,
        identification=release,
        constant=tally.constant if tally.crossed and outcome is Outcome.INCONCLUSIVE else None,
        doubts=doubts,
        controls=checked,
        scores=scores,
        run=header.run,
        fingerprint=header.fingerprint,
        oracle=header.oracle,
    )
    return replace(verdict, reasons=_state_reasons(tally, header, verdict, objections))


def needs_controls(tally: Tally, header: Header) -> bool:
    """Whether ordinary pictures are asked before the verdict: it would be tampered, and no release explains it."""
    return header.controls > 0 and judge(tally, header) is Outcome.TAMPERED and not _is_named(tally)


def _is_named(tally: Tally) -> bool:
    """Whether a release explains the answers."""
    return tally.candidates is not None and bool(tally.candidates.conclude().names)


def needs_repeats(tally: Tally, header: Header) -> bool:
    """Whether samples are asked again before the verdict: it would be tampered for scores, beside labels that hold."""
    by_scores = tally.weighed.used != "label" and any(
        seen.mismatch and not seen.flipped for seen in tally.observations.values()
    )
    return by_scores and judge(tally, header) is Outcome.TAMPERED and not _is_named(tally)


def list_usable(tally: Tally) -> list[Observed]:
    """Return the usable answers about samples."""
    return [seen for seen in tally.observations.values() if seen.answer.usable]


def judge(tally: Tally, header: Header) -> Outcome:
    """Return what the answers about samples say. The joint test over samples looks once: when all were asked."""
    if tally.is_frozen and tally.decided is None:
        return Outcome.INCONCLUSIVE
    suspected = tally.crossed
    if not suspected and tally.decided is None and not tally.list_unanswered(header.questions):
        suspected = tally.is_jointly_wrong
    return tally.decided or (Outcome.TAMPERED if suspected else Outcome.INCONCLUSIVE)


def _object(
    tally: Tally, header: Header, trials: Trials | None, checked: ControlCheck | None, release: Identification | None
) -> tuple[str, ...]:
    """Return why answers that look tampered with are no verdict; nothing when they are one."""
    if release is not None and release.preprocessing is not None:
        return ("the protected model itself gives these labels when a server prepares pictures differently",)
    if not needs_controls(tally, header) or trials is None:
        return ()
    explained = _explain(header, checked)
    if trials.find_question(list_usable(tally)) is not None and not (trials.disagree or explained):
        return ("the ordinary pictures that would tell whether pictures and labels arrive were not all asked",)
    if trials.disagree and checked is not None:
        wrong = checked.usable - checked.right
        differs = (
            f"{wrong} of {checked.usable} ordinary pictures get another label too: preprocessing or label map differ"
        )
        return (differs, explained or _describe_unexplained(trials))
    return (explained,) if explained else ()


def _explain(header: Header, checked: ControlCheck | None) -> str:
    """Return what explains the answers about controls, and what to do; nothing when nothing does."""
    if checked is None or checked.explained_by is None:
        return ""
    right, asked = checked.explained
    way = "another order of the classes" if checked.label_map is not None else "another way of sending pictures"
    said = f"explained by {way} ({checked.explained_by}): {right} of {asked} pictures are right then"
    if checked.label_map is not None:
        return f"{said}; put this into the endpoint file: {checked.label_map}"
    return f"{said}; {explain_variant(checked.explained_by, header.oracle.get('kind', ''))}"


def _describe_unexplained(trials: Trials) -> str:
    if trials.single_label is not None:
        name = trials.class_names[trials.single_label]
        return f"all of them get label {trials.single_label} ({name}): they arrive on another scale, or are not read"
    known = "no known preprocessing and no known order of the classes explains it"
    return f"{known}: an unknown one, or another model altogether"


def _state_reasons(tally: Tally, header: Header, verdict: Verdict, objections: tuple[str, ...]) -> tuple[str, ...]:
    """Return the reasons, one sentence each; the first one carries the verdict."""
    release, doubts = verdict.identification, verdict.doubts
    named = () if release is None else (release.sentence(),)
    if verdict.outcome is Outcome.INTACT or doubts is None:
        return _state_intact(tally, header)
    caches = (
        (f"replies came with cache headers: {', '.join(doubts.cache_headers[:5])}",) if doubts.cache_headers else ()
    )
    differ = state_difference(verdict.scores, tally.mismatched, verdict.answered)
    scores = state_scores(verdict.scores, tally.class_names)
    if objections:
        return (differ, *objections, *scores, *named, *caches)
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return (*_state_undecided(tally, header, differ), *scores, *state_rounding(doubts), *named, *caches)
    known = release is not None and bool(release.names)
    return (
        differ if not tally.crossed else f"{differ}; {_state_honest(verdict.p_value)}",
        *scores,
        *_doubt_constant(tally),
        *(() if known else state_doubts(doubts, verdict.controls)),
        *named,
        *caches,
    )


def _state_honest(p_value: float) -> str:
    return f"honest serving comes to that with probability {p_value:.2g} at most"


def _state_intact(tally: Tally, header: Header) -> tuple[str, ...]:
    answered = tally.matched + tally.mismatched
    what = "labels" if tally.weighed.used == "label" else f"labels and {tally.weighed.used}"
    passing = f"a model that flips {header.p1:g} of them passes with probability {header.beta:g} at most"
    hidden = f", even if the {tally.unusable} unusable answers hide mismatches" if tally.unusable else ""
    return (
        f"{tally.matched} of {answered} {what} match; {passing}{hidden}",
        *state_scores(check_scores(tally), tally.class_names),
    )


def _state_undecided(tally: Tally, header: Header, differ: str) -> tuple[str, ...]:
    """Say why there is no verdict."""
    if tally.is_frozen and tally.crossed:
        return (_explain_frozen(tally),)
    if tally.remap is not None and tally.crossed:
        return (_explain_remap(tally),)
    left = len(tally.list_unanswered(header.questions))
    reasons = [f"{differ}, too few to decide; {left} of {header.queries} samples have no answer"]
    if not tally.matched + tally.mismatched:
        reasons = [f"not one usable answer came back; {len(tally.observations)} of {header.queries} samples were asked"]
    elif not tally.crossed:
        needed = max(
            tally.test.matches_for_intact(tally.mismatched, tally.unusable), header.min_answers - tally.mismatched
        )
        beside = [
            f"{count} {name}"
            for count, name in ((tally.mismatched, "that differ"), (tally.unusable, "unusable ones"))
            if count
        ]
        reasons.append(
            f"intact takes {needed} matching answers" + (f" beside {' and '.join(beside)}" if beside else "")
        )
    problems = [observed.answer.problem for observed in tally.observations.values() if observed.answer.problem]
    if problems:
        reasons.append(f"the last trouble was: {problems[-1]}")
    return tuple(reasons)


def _explain_remap(tally: Tally) -> str:
    """Say that one permutation explains every answer, and which known order it is."""
    found = tally.remap or {}
    pairs = ", ".join(f"{label} as {seen}" for label, seen in sorted(found.items()))
    said = f"label remapping: one permutation explains all {tally.mismatched} answers ({pairs})"
    for name, places in list_orders(tally.class_names).items():
        if all(places[label] == seen for label, seen in found.items()):
            line = write_label_map(places, tally.class_names)
            return f"{said}; the classes are {_place(name)} there: put this into the endpoint file: {line}"
    return f"{said}; correct the label map"


def _place(order: str) -> str:
    """Return "in text order", but "counted from 1"."""
    return order if order.startswith("counted") else f"in {order}"


def _explain_frozen(tally: Tally) -> str:
    """Say that every answer is the same."""
    if tally.constant is None:
        return (
            f"the scores of all {len(tally.observations)} answers are the same, although several labels are expected: "
            "a cache that does not look at the picture, or a server that does not read it"
        )
    usable = list_usable(tally)
    names = sorted({str(seen.answer.named) for seen in usable if seen.answer.named is not None})
    label = f"{tally.constant}" + (f" ({names[0]})" if len(names) == 1 else "")
    expected = len({seen.expected for seen in usable})
    return (
        f"all {len(usable)} answers are label {label}, although {expected} different labels are expected: a cache that "
        "does not look at the picture, or a server that does not read it"
    )


def _doubt_constant(tally: Tally) -> tuple[str, ...]:
    """Say what else the answers may come from, when all of them are one label."""
    usable = list_usable(tally)
    if len({seen.answer.label for seen in usable}) > 1 or len({seen.expected for seen in usable}) < 2:
        return ()
    return (
        f"all {len(usable)} answers are one label: a cache that does not look at the picture would look the same; ask "
        "about ordinary pictures with `modelprint endpoint probe`",
    )
