"""Verification: ask an oracle about the samples of a fingerprint until the answers are clear. Needs no torch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.progress import Progress, silent
from modelprint.verification.identification import Candidates, check_accepted, shared_beta
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.transcript import Header, Recording, Transcript, read_transcript
from modelprint.verification.verdict import Observed, Outcome, Verdict

__all__ = ["Observed", "Outcome", "SequentialTest", "Verdict", "permutation", "replay", "verify"]

CONFIRMATIONS = 5
"""How many answers must repeat what earlier ones showed before a permutation of the labels is believed."""
REMAP_ANSWERS = 20
"""How many answers we spend, at most, on telling a permutation of the labels from a tampering."""
TEXT_LIMIT = 500
"""Longest text of a server that we keep, in characters."""


def verify(
    oracle: Oracle,
    fingerprint: Fingerprint,
    *,
    queries: int | None = None,
    alpha: float = 1e-3,
    beta: float = 1e-2,
    p1: float | None = None,
    accept: Sequence[str] = (),
    transcript: Transcript | None = None,
    progress: Progress = silent,
    patience: int = 5,
) -> Verdict:
    """Ask `oracle` about the samples of `fingerprint` in their order, and stop as soon as the answers are clear.

    1. Fix the test before the first question: error rates, flip rates, number of samples.
    2. Take over the answers of an interrupted run from the transcript.
    3. Ask about one sample; a tie or a missing answer is written down and counted apart, never as evidence.
    4. Stop when the test has decided, the samples are used up, or nothing usable came back `patience` times in a row.
       A fingerprint that carries releases is asked on after "tampered", until one of them is named or all are excluded.
    5. State the verdict from the answers alone, so that a replay reaches the same one.

    Args:
        oracle: What is asked; each sample is one question.
        fingerprint: Samples and expected labels.
        queries: Most samples to ask; all of them when None.
        alpha: Largest probability of calling an intact model tampered.
        beta: Largest probability of calling a model intact whose samples flip with probability `p1`.
        p1: Smallest flip rate that counts as tampering; the fingerprint's when None.
        accept: Names of releases that are as good as the protected model. They share `beta` with it: a model that is
            none of them passes with probability `beta` at most.
        transcript: Where answers are written and taken up from; nowhere when None.
        progress: Told after every answer.
        patience: How many unusable answers in a row end the run.

    Raises:
        ValueError: When the numbers make no test, or an accepted release is not in the fingerprint.
        TranscriptError: When the transcript belongs to another verification or cannot be written.
    """
    if patience < 1:
        raise ValueError(f"patience is a number of answers, at least 1, got {patience}")
    header = _header(oracle, fingerprint, queries, alpha, beta, p1, accept)  # (1)
    before = Recording(header=header, observations=(), outcome=None) if transcript is None else transcript.start(header)
    tally = _restore(before, fingerprint, transcript.path if transcript else "")  # (2)
    if before.outcome is not None and before.outcome.decided:
        return _checked(_conclude(tally, header), before, transcript.path if transcript else "")
    unusable = 0
    progress("asking", len(tally.observations), header.queries)
    for index in tally.unanswered(header.queries):
        if tally.done or unusable >= patience:  # (4)
            break
        observed = _ask(oracle, fingerprint, index)  # (3)
        if transcript is not None:
            transcript.add(observed)
        tally.add(observed)
        unusable = 0 if observed.answer.usable else unusable + 1
        progress("asking", len(tally.observations), header.queries)
    verdict = _conclude(tally, header)  # (5)
    if transcript is not None:
        transcript.finish(verdict)
    return verdict


def replay(transcript: Path | str, fingerprint: Fingerprint) -> Verdict:
    """Reach the verdict of a transcript again, without the oracle.

    Raises:
        TranscriptError: When the transcript is damaged, belongs to another fingerprint, or names another verdict than
            its answers give.
    """
    record = read_transcript(transcript)
    header = record.header
    if header.fingerprint != fingerprint.digest:
        raise TranscriptError(
            f"{transcript}: was made with fingerprint {header.fingerprint[:16]}, this one is {fingerprint.digest[:16]}"
        )
    if header.p0 != fingerprint.profile.flip_rate or not 1 <= header.queries <= len(fingerprint.samples):
        raise TranscriptError(f"{transcript}: its p0 or number of queries does not go with the fingerprint")
    return _checked(_conclude(_restore(record, fingerprint, transcript), header), record, transcript)


@dataclass(kw_only=True)
class _Tally:
    """The answers so far and what they amount to.

    Attributes:
        test: The test they feed.
        class_count: Number of classes.
        observations: The last answer about each sample, in the order of the first question.
        matched: Usable answers with the expected label.
        mismatched: Usable answers with another label.
        peak: Largest log likelihood ratio so far; once it has crossed the upper bound, the evidence stays valid.
        decided: What the answers said when they first said it; None while more of them are needed.
        candidates: The releases, where there are any.
    """

    test: SequentialTest
    class_count: int
    candidates: Candidates | None = None
    decided: Outcome | None = None
    observations: dict[int, Observed] = field(default_factory=dict)
    matched: int = 0
    mismatched: int = 0
    peak: float = 0.0

    def add(self, observed: Observed) -> None:
        """Count one answer; only a usable one moves the test."""
        self.observations[observed.index] = observed
        self.mismatched += observed.mismatch
        self.matched += observed.answer.usable and not observed.mismatch
        self.peak = max(self.peak, self.test.ratio(self.matched, self.mismatched))
        if self.candidates is not None and observed.answer.usable and observed.answer.label is not None:
            self.candidates.add(observed.index, observed.answer.label)
        self.decided = self.decided or self._decision()

    def unanswered(self, queries: int) -> list[int]:
        """Return the samples still to ask: never asked, or asked without getting an answer. A tie is an answer."""
        return [index for index in range(queries) if self.may_ask(index)]

    def may_ask(self, index: int) -> bool:
        """Whether there is no answer about this sample yet."""
        answer = self.observations[index].answer if index in self.observations else Answer()
        return not answer.usable and not answer.tie

    @property
    def crossed(self) -> bool:
        """Whether the answers have, at some time, been too unlikely for honest serving."""
        return self.peak >= self.test.upper

    @property
    def done(self) -> bool:
        """Whether there is nothing more to find out."""
        if self.decided is Outcome.TAMPERED and self.candidates is not None:
            return self.candidates.settled
        return self.decided is not None

    def _decision(self) -> Outcome | None:
        if self.crossed:
            if not self.may_be_remapped:
                return Outcome.TAMPERED
            return Outcome.INCONCLUSIVE if self.remap is not None else None
        return Outcome.INTACT if self.test.ratio(self.matched, self.mismatched) <= self.test.lower else None

    @property
    def may_be_remapped(self) -> bool:
        """Whether a permutation of the labels could still be behind it all, and it is worth finding out.

        With two classes a swap and a tampering that flips everything look the same, so there we never wait.
        """
        waiting = self.matched == 0 and (self.mismatched < REMAP_ANSWERS or self.remap is not None)
        return waiting and self.class_count > 2 and permutation(self._pairs()) is not None

    @property
    def remap(self) -> Mapping[int, int] | None:
        """The permutation that explains every answer, once enough answers have confirmed it."""
        pairs = self._pairs()
        found = permutation(pairs)
        if self.matched or self.class_count <= 2 or found is None or len(found) < 2:
            return None
        shifts = {(seen - expected) % self.class_count for expected, seen in pairs}
        confirmations = len(pairs) - (1 if len(shifts) == 1 else len(found))
        return found if confirmations >= CONFIRMATIONS else None

    def _pairs(self) -> list[tuple[int, int]]:
        """Return expected and answered label of every usable answer."""
        return [
            (seen.expected, seen.answer.label)
            for seen in self.observations.values()
            if seen.answer.usable and seen.answer.label is not None
        ]


def permutation(pairs: Iterable[tuple[int, int]]) -> dict[int, int] | None:
    """Return the one-to-one map from first to second label that explains all `pairs`, or None when there is none."""
    found: dict[int, int] = {}
    for expected, seen in pairs:
        if found.setdefault(expected, seen) != seen:
            return None
    return found if len(set(found.values())) == len(found) else None


def _header(
    oracle: Oracle,
    fingerprint: Fingerprint,
    queries: int | None,
    alpha: float,
    beta: float,
    p1: float | None,
    accept: Sequence[str],
) -> Header:
    """Return the test to be run; ValueError when the numbers make none."""
    count = len(fingerprint.samples)
    if queries is not None and not 1 <= queries <= count:
        raise ValueError(f"queries is a number from 1 to {count}, the samples of this fingerprint, got {queries}")
    test = SequentialTest(
        alpha=alpha,
        beta=beta,
        p0=fingerprint.profile.flip_rate,
        p1=fingerprint.expected_flip_rate if p1 is None else p1,
    )
    return Header(
        fingerprint=fingerprint.digest,
        oracle=oracle.describe(),
        queries=count if queries is None else queries,
        accept=check_accepted(fingerprint, accept),
        **vars(test),
    )


def _restore(record: Recording, fingerprint: Fingerprint, name: Path | str) -> _Tally:
    """Count the answers of a transcript again, checking that they could have come about."""
    header = record.header
    try:
        check_accepted(fingerprint, header.accept)
        test = SequentialTest(alpha=header.alpha, beta=header.beta, p0=header.p0, p1=header.p1)
    except ValueError as problem:
        raise TranscriptError(f"{name}: its header makes no test: {problem}") from problem
    tally = _tally(test, fingerprint, header.accept)
    for observed in record.observations:
        index, label = observed.index, observed.answer.label
        where = f"{name}: the answer about sample {index}"
        if not 0 <= index < header.queries or not tally.may_ask(index) or tally.done:
            raise TranscriptError(f"{where} was not to be asked for: it is there twice, out of range, or after the end")
        sample = fingerprint.samples[index]
        if (observed.png_sha256, observed.expected) != (sample.picture.sha256, sample.label):
            raise TranscriptError(f"{where} is about another picture or label than the fingerprint holds")
        if label is not None and not 0 <= label < tally.class_count:
            raise TranscriptError(f"{where} has label {label}, but there are {tally.class_count} classes")
        tally.add(observed)
    return tally


def _tally(test: SequentialTest, fingerprint: Fingerprint, accept: Sequence[str]) -> _Tally:
    """Return a tally without answers."""
    candidates = Candidates(fingerprint, test, accept) if fingerprint.releases else None
    if accept:  # then there are several ways to pass, which share the probability of passing wrongly
        test = replace(test, beta=shared_beta(test.beta, len(fingerprint.releases)))
    return _Tally(test=test, class_count=len(fingerprint.class_names), candidates=candidates)


def _ask(oracle: Oracle, fingerprint: Fingerprint, index: int) -> Observed:
    """Ask about one sample."""
    sample = fingerprint.samples[index]
    answer = _clean(oracle.ask(sample.picture), len(fingerprint.class_names))
    return Observed(index=index, png_sha256=sample.picture.sha256, expected=sample.label, answer=answer)


def _clean(answer: Answer, class_count: int) -> Answer:
    """Return `answer` in a form that a transcript can carry; an impossible label becomes a missing one."""
    if answer.label is not None and not 0 <= answer.label < class_count:
        problem = f"answered class {answer.label}, but there are only {class_count} classes"
        answer = replace(answer, label=None, problem=problem)
    return replace(
        answer,
        named=_text(answer.named) if isinstance(answer.named, str) else answer.named,
        ranking=answer.ranking if all(math.isfinite(score) for _, score in answer.ranking) else (),
        problem=None if answer.problem is None else _text(answer.problem),
        server={_text(name): _text(value) for name, value in answer.server.items()},
    )


def _text(text: str) -> str:
    """Return what a server wrote, cut to a sane length, with whatever a terminal might obey spelled out."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:TEXT_LIMIT])


def _conclude(tally: _Tally, header: Header) -> Verdict:
    """State what the answers amount to when no more are asked for."""
    seen = tuple(tally.observations.values())
    outcome = tally.decided or (Outcome.TAMPERED if tally.crossed else Outcome.INCONCLUSIVE)
    tied = sum(observed.answer.tie for observed in seen)
    p_value = math.exp(-tally.peak)
    answered = tally.matched + tally.mismatched
    release = tally.candidates.conclude() if tally.candidates and outcome is not Outcome.INTACT else None
    named = () if release is None else (release.sentence(),)
    return Verdict(
        outcome=outcome,
        reasons=_reasons(tally, header, outcome, p_value) + named,
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


def _reasons(tally: _Tally, header: Header, outcome: Outcome, p_value: float) -> tuple[str, ...]:
    """Say why, one sentence each; the first carries the verdict."""
    answered = tally.matched + tally.mismatched
    differ = f"{tally.mismatched} of {answered} labels differ"
    if outcome is Outcome.TAMPERED:
        return (f"{differ}; honest serving comes to that with probability {p_value:.2g} at most",)
    if outcome is Outcome.INTACT:
        passing = f"a model that flips {header.p1:g} of them passes with probability {header.beta:g} at most"
        return (f"{tally.matched} of {answered} labels match; {passing}",)
    if tally.remap is not None and tally.crossed:
        pairs = ", ".join(f"{label} as {seen}" for label, seen in sorted(tally.remap.items()))
        return (f"label remapping: one permutation explains all {answered} answers ({pairs}); correct the label map",)
    left = len(tally.unanswered(header.queries))
    reasons = [f"{differ}, too few to decide; {left} of {header.queries} samples have no answer"]
    if not answered:
        reasons = [f"not one usable answer came back; {len(tally.observations)} of {header.queries} samples were asked"]
    elif not tally.mismatched:
        reasons.append(f"intact takes {tally.test.answers_for_intact} matching answers")
    problems = [observed.answer.problem for observed in tally.observations.values() if observed.answer.problem]
    if problems:
        reasons.append(f"the last trouble was: {problems[-1]}")
    return tuple(reasons)


def _checked(verdict: Verdict, record: Recording, name: Path | str) -> Verdict:
    """Return `verdict` if it is the one that the transcript names, or if that names none."""
    if record.outcome is not None and record.outcome is not verdict.outcome:
        raise TranscriptError(f"{name}: says {record.outcome}, but its answers say {verdict.outcome}")
    return verdict
