"""Tallies: the answers of a verification so far, and what they amount to. Needs no torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.scores.joint import JointResult
from modelprint.verification.doubts import list_cache_hints
from modelprint.verification.evidence import JOINT_SHARE, AnswersUsed, ScoreRule, Weighed, make_rule
from modelprint.verification.identification import Candidates, shared_beta
from modelprint.verification.sequential import SequentialTest
from modelprint.verification.verdict import Observed, Outcome

CONFIRMATIONS = 5
"""How many answers must repeat what earlier ones showed before a permutation of the labels is believed."""
REMAP_ANSWERS = 20
"""How many answers we spend, at most, on telling a permutation of the labels from a tampering."""
CONSTANT_ANSWERS = 8
"""How many equal answers to questions with different expected labels are believed to come from a cache."""


@dataclass(kw_only=True)
class Tally:
    """The answers so far and what they amount to.

    Attributes:
        test: The test they feed.
        class_count: Number of classes.
        observations: The last answer about each sample, in the order of the first question.
        matched: Usable answers with the expected label.
        mismatched: Usable answers with another label.
        unusable: Samples asked whose last answer is missing, unreadable or tied.
        peak: Largest logarithm of the evidence for tampered so far; once it crosses the upper bound, it stays valid.
        decided: What the answers said when they first said it; None while more of them are needed.
        candidates: The releases, where there are any.
        min_mismatches: How many answers must differ before the model is called tampered.
        min_answers: How many usable answers a verdict needs.
        mixes: Whether the evidence for tampered bets on several flip rates, and not on p1 alone.
        notices_constant: Whether answers that are all the same label, and look cached, are no sign of tampering.
        source_labels: Label of the source of each sample, None where it is unknown.
        class_names: Classes, in label order; only sentences need them.
        rule: Weighs the scores in answers; None when labels alone count.
        weighed: What it says about the answers so far.
        controls: Answers about controls, which it looks at too.
        repeated: Second answers about samples, which it looks at too.
    """

    test: SequentialTest
    class_count: int
    candidates: Candidates | None = None
    decided: Outcome | None = None
    observations: dict[int, Observed] = field(default_factory=dict)
    matched: int = 0
    mismatched: int = 0
    unusable: int = 0
    peak: float = 0.0
    min_mismatches: int = 2
    min_answers: int = 0
    mixes: bool = True
    notices_constant: bool = True
    source_labels: Sequence[int | None] = ()
    class_names: Sequence[str] = ()
    rule: ScoreRule | None = None
    weighed: Weighed = field(default_factory=lambda: Weighed(used="label"))
    controls: Sequence[Observed] = ()
    repeated: Sequence[Observed] = ()

    def add(self, observed: Observed) -> None:
        """Count one answer; one that is not usable is no sign of tampering, and none of an intact model."""
        known = observed.index in self.observations
        self.observations[observed.index] = observed
        if self.rule is None:
            self.unusable += (not observed.usable) - known
            self._count(observed)
        else:
            self._weigh(self.rule)
        if self.candidates is not None:
            self.candidates.add(observed.index, observed.answer.label if observed.answer.usable else None)
        self.decided = self.decided or self._decide()

    def _count(self, observed: Observed) -> None:
        self.mismatched += observed.mismatch
        self.matched += observed.usable and not observed.mismatch
        weigh = self.test.tampered_evidence if self.mixes else self.test.ratio
        self.peak = max(self.peak, weigh(self.matched, self.mismatched))

    def _weigh(self, rule: ScoreRule) -> None:
        """Judge all answers again, because each one says more about the form of the others."""
        self.weighed = rule.weigh(list(self.observations.values()), self.controls, self.repeated)
        self.observations = {
            index: replace(seen, differs=self.weighed.differs[index]) for index, seen in self.observations.items()
        }
        self.matched = self.mismatched = 0
        self.peak = 0.0
        for seen in self.observations.values():
            self._count(seen)
        self.unusable = len(self.observations) - self.matched - self.mismatched

    def reconsider(self, controls: Sequence[Observed], repeated: Sequence[Observed]) -> None:
        """Judge all answers again, with those about controls and the second ones about samples.

        Without a rule for scores nothing changes.
        """
        if self.rule is not None and (controls or repeated):
            self.controls, self.repeated = controls, repeated
            self._weigh(self.rule)
            self.decided = self._decide()

    @property
    def joint(self) -> JointResult | None:
        """The joint test over samples, which has its own share of alpha; None where scores do not count."""
        if self.rule is None:
            return None
        return self.weighed.compare_jointly(self.rule.record, self.test.alpha * JOINT_SHARE / (1 - JOINT_SHARE))

    @property
    def is_jointly_wrong(self) -> bool:
        """Whether the scores of all samples together are further away than honest serving moves them."""
        joint = self.joint
        return joint is not None and joint.exceeded

    def list_unanswered(self, order: Iterable[int]) -> list[int]:
        """Return which of `order` are still to ask: never asked, or without getting an answer. A tie is an answer."""
        return [index for index in order if self.may_ask(index)]

    def may_ask(self, index: int) -> bool:
        """Whether there is no answer about this sample yet."""
        seen = self.observations.get(index)
        return seen is None or not (seen.usable or seen.answer.tie)

    @property
    def crossed(self) -> bool:
        """Whether the answers have, at some time, been too unlikely for honest serving, and enough of them differ.

        To ask for more than the ratio alone only makes a false alarm less likely.
        """
        enough = self.mismatched >= self.min_mismatches and self.matched + self.mismatched >= self.min_answers
        return enough and self.peak >= self.test.upper

    @property
    def done(self) -> bool:
        """Whether there is nothing more to find out."""
        if self.decided is Outcome.TAMPERED and self.candidates is not None:
            return self.candidates.settled
        return self.decided is not None

    def _decide(self) -> Outcome | None:
        if self.crossed:
            if self.is_frozen:
                return Outcome.INCONCLUSIVE if self.matched + self.mismatched >= CONSTANT_ANSWERS else None
            if self.weighed.may_be_random:
                return None
            if not self.may_be_remapped:
                return Outcome.TAMPERED
            return Outcome.INCONCLUSIVE if self.remap is not None else None
        enough = self.matched + self.mismatched >= self.min_answers
        if not (enough and self.test.is_intact(self.matched, self.mismatched, self.unusable)):
            return None
        return Outcome.TAMPERED if self.is_jointly_wrong else Outcome.INTACT

    @property
    def constant(self) -> int | None:
        """The label of all usable answers, where several were expected and they look cached; None otherwise.

        A changed model, too, may give all samples one label: junctions tie, and a shift of one logit decides them all.
        So there has to be a sign of a cache: headers that say so, or the same scores for different pictures.
        """
        pairs = self._list_pairs()
        if not self.notices_constant or self.mismatched < 2 or len({expected for expected, _ in pairs}) < 2:
            return None
        seen = {label for _, label in pairs}
        return seen.pop() if len(seen) == 1 and self._looks_cached() else None

    @property
    def is_frozen(self) -> bool:
        """Whether every answer is the same although several labels were expected: the pictures had no part in it.

        Scores that are all alike, also where they tie, are as telling as a constant label.
        """
        if self.constant is not None:
            return True
        printed = {seen.answer.ranking for seen in self.observations.values()}
        expected = {seen.expected for seen in self.observations.values()}
        alike = len(printed) == 1 and len(printed.pop()) > 1
        return self.notices_constant and self.rule is not None and alike and len(expected) > 1

    def _looks_cached(self) -> bool:
        usable = [seen for seen in self.observations.values() if seen.answer.usable]
        scores = {seen.answer.ranking for seen in usable}
        return bool(list_cache_hints(usable)) or (len(scores) == 1 and len(scores.pop()) > 1)

    @property
    def may_be_remapped(self) -> bool:
        """Whether a permutation of the labels may still explain all answers, and is worth more questions.

        With two classes a swap and a tampering that flips everything look the same, so the decision is never delayed.
        """
        waiting = not self._holds and (self.mismatched < REMAP_ANSWERS or self.remap is not None)
        return waiting and self.class_count > 2 and find_permutation(self._list_pairs()) is not None

    @property
    def remap(self) -> Mapping[int, int] | None:
        """The permutation that explains every answer, once enough answers have confirmed it."""
        pairs = self._list_pairs()
        found = find_permutation(pairs)
        if self._holds or self.class_count <= 2 or found is None or len(found) < 2:
            return None
        shifts = {(seen - expected) % self.class_count for expected, seen in pairs}
        confirmations = len(pairs) - (1 if len(shifts) == 1 else len(found))
        return found if confirmations >= CONFIRMATIONS else None

    @property
    def _holds(self) -> bool:
        """Whether some label is the expected one."""
        return any(expected == label for expected, label in self._list_pairs())

    def _list_pairs(self) -> list[tuple[int, int]]:
        """Return expected and answered label of every usable answer."""
        return [
            (seen.expected, seen.answer.label)
            for seen in self.observations.values()
            if seen.answer.usable and seen.answer.label is not None
        ]


def start_tally(
    test: SequentialTest,
    fingerprint: Fingerprint,
    accept: Sequence[str],
    *,
    rules: int = 3,
    min_answers: int = 0,
    answers: AnswersUsed = "label",
) -> Tally:
    """Return a tally without answers.

    Args:
        test: The test of the protected model.
        fingerprint: Samples, classes and releases.
        accept: Releases that are as good as the protected model.
        rules: Which rules decide: 1 as in the first transcripts, where one mismatch could be enough and equal answers
            were mismatches like others; 2 as in the next ones, which bet on p1 alone; 3 as now.
        min_answers: How many usable answers a verdict needs.
        answers: What of an answer counts; where scores do, the joint test over samples takes its share of alpha.
    """
    rule = make_rule(fingerprint, answers)
    candidates = Candidates(fingerprint, test, accept) if fingerprint.releases else None
    if accept:  # then there are several ways to pass, which share the probability of passing wrongly
        test = replace(test, beta=shared_beta(test.beta, len(fingerprint.models)))
    if rule is not None:
        test = replace(test, alpha=test.alpha * (1 - JOINT_SHARE))
    return Tally(
        test=test,
        class_count=len(fingerprint.class_names),
        candidates=candidates,
        min_mismatches=1 if rules == 1 else 2,
        min_answers=min_answers,
        mixes=rules > 2,
        notices_constant=rules > 1,
        source_labels=[sample.source_label for sample in fingerprint.samples],
        class_names=fingerprint.class_names,
        rule=rule,
    )


def find_permutation(pairs: Iterable[tuple[int, int]]) -> dict[int, int] | None:
    """Return the one-to-one map from first to second label that explains all `pairs`, or None when there is none."""
    found: dict[int, int] = {}
    for expected, seen in pairs:
        if found.setdefault(expected, seen) != seen:
            return None
    return found if len(set(found.values())) == len(found) else None
