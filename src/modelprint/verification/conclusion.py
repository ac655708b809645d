"""From a tally to a verdict and the sentences that give its reasons. Needs no torch."""

import math

from modelprint.verification.tally import Tally
from modelprint.verification.transcript import Header
from modelprint.verification.verdict import Outcome, Verdict


def conclude(tally: Tally, header: Header) -> Verdict:
    """Return the verdict on the answers so far."""
    seen = tuple(tally.observations.values())
    outcome = tally.decided or (Outcome.TAMPERED if tally.crossed else Outcome.INCONCLUSIVE)
    tied = sum(observed.answer.tie for observed in seen)
    p_value = math.exp(-tally.peak)
    answered = tally.matched + tally.mismatched
    release = tally.candidates.conclude() if tally.candidates and outcome is not Outcome.INTACT else None
    named = () if release is None else (release.sentence(),)
    return Verdict(
        outcome=outcome,
        reasons=_state_reasons(tally, header, outcome, p_value) + named,
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
        fingerprint=header.fingerprint,
        oracle=header.oracle,
    )


def _state_reasons(tally: Tally, header: Header, outcome: Outcome, p_value: float) -> tuple[str, ...]:
    """Return the reasons, one sentence each; the first one carries the verdict."""
    answered = tally.matched + tally.mismatched
    differ = f"{tally.mismatched} of {answered} labels differ"
    if outcome is Outcome.TAMPERED:
        return (f"{differ}; honest serving comes to that with probability {p_value:.2g} at most",)
    if outcome is Outcome.INTACT:
        passing = f"a model that flips {header.p1:g} of them passes with probability {header.beta:g} at most"
        hidden = f", even if the {tally.unusable} unusable answers hide mismatches" if tally.unusable else ""
        return (f"{tally.matched} of {answered} labels match; {passing}{hidden}",)
    if tally.remap is not None and tally.crossed:
        pairs = ", ".join(f"{label} as {seen}" for label, seen in sorted(tally.remap.items()))
        return (f"label remapping: one permutation explains all {answered} answers ({pairs}); correct the label map",)
    left = len(tally.list_unanswered(header.queries))
    reasons = [f"{differ}, too few to decide; {left} of {header.queries} samples have no answer"]
    if not answered:
        reasons = [f"not one usable answer came back; {len(tally.observations)} of {header.queries} samples were asked"]
    elif not tally.crossed:
        needed = tally.test.matches_for_intact(tally.mismatched, tally.unusable)
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
