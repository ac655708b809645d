"""From a tally to a verdict and the sentences that give its reasons. Needs no torch."""

import math
from collections.abc import Iterable

from modelprint.verification.tally import Tally, list_cache_hints
from modelprint.verification.transcript import Header
from modelprint.verification.verdict import Observed, Outcome, Verdict


def conclude(tally: Tally, header: Header) -> Verdict:
    """Return the verdict on the answers so far."""
    seen = tuple(tally.observations.values())
    constant = tally.constant
    suspected = tally.crossed and constant is None
    outcome = tally.decided or (Outcome.TAMPERED if suspected else Outcome.INCONCLUSIVE)
    tied = sum(observed.answer.tie for observed in seen)
    p_value = math.exp(-tally.peak)
    answered = tally.matched + tally.mismatched
    release = tally.candidates.conclude() if tally.candidates and outcome is not Outcome.INTACT else None
    named = () if release is None else (release.sentence(),)
    caches = () if outcome is Outcome.INTACT else _name_caches(seen)
    return Verdict(
        outcome=outcome,
        reasons=_state_reasons(tally, header, outcome, p_value) + named + caches,
        p_value=p_value,
        **vars(tally.test) | {"beta": header.beta},
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
        constant=constant if tally.crossed and outcome is Outcome.INCONCLUSIVE else None,
        run=header.run,
        fingerprint=header.fingerprint,
        oracle=header.oracle,
    )


def _state_reasons(tally: Tally, header: Header, outcome: Outcome, p_value: float) -> tuple[str, ...]:
    """Return the reasons, one sentence each; the first one carries the verdict."""
    answered = tally.matched + tally.mismatched
    differ = f"{tally.mismatched} of {answered} labels differ"
    if outcome is Outcome.TAMPERED:
        return (f"{differ}; honest serving comes to that with probability {p_value:.2g} at most", *_doubt(tally))
    if outcome is Outcome.INTACT:
        passing = f"a model that flips {header.p1:g} of them passes with probability {header.beta:g} at most"
        hidden = f", even if the {tally.unusable} unusable answers hide mismatches" if tally.unusable else ""
        return (f"{tally.matched} of {answered} labels match; {passing}{hidden}",)
    if tally.constant is not None and tally.crossed:
        return (_explain_constant(tally),)
    if tally.remap is not None and tally.crossed:
        pairs = ", ".join(f"{label} as {seen}" for label, seen in sorted(tally.remap.items()))
        return (f"label remapping: one permutation explains all {answered} answers ({pairs}); correct the label map",)
    left = len(tally.list_unanswered(header.questions))
    reasons = [f"{differ}, too few to decide; {left} of {header.queries} samples have no answer"]
    if not answered:
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


def _explain_constant(tally: Tally) -> str:
    """Say that every answer is the same."""
    usable = [seen for seen in tally.observations.values() if seen.answer.usable]
    names = sorted({str(seen.answer.named) for seen in usable if seen.answer.named is not None})
    label = f"{tally.constant}" + (f" ({names[0]})" if len(names) == 1 else "")
    expected = len({seen.expected for seen in usable})
    return (
        f"all {len(usable)} answers are label {label}, although {expected} different labels are expected: a cache that "
        "does not look at the picture, or a server that does not read it"
    )


def _doubt(tally: Tally) -> tuple[str, ...]:
    """Say what else the answers may come from, when all of them are one label."""
    usable = [seen for seen in tally.observations.values() if seen.answer.usable]
    if len({seen.answer.label for seen in usable}) > 1 or len({seen.expected for seen in usable}) < 2:
        return ()
    return (
        f"all {len(usable)} answers are one label: a cache that does not look at the picture would look the same; ask "
        "about ordinary pictures with `modelprint endpoint probe`",
    )


def _name_caches(seen: Iterable[Observed]) -> tuple[str, ...]:
    """Return a sentence about the cache headers of the replies, where there are any."""
    hints = list_cache_hints(seen)
    return (f"replies came with cache headers: {', '.join(hints[:5])}",) if hints else ()
