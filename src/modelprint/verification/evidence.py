"""Evidence: what answers say beyond their labels, and whether honest serving could have printed it. Needs no torch.

All answers are weighed together, and again with each new one, because the form of the scores is found from all of them:
the more are known, the sharper the rounding is known. An answer differs when its label does, or when a printed score
cannot be what honest serving prints (`modelprint.scores.deviation`). Of scores on an unknown scale only the order
counts. One temperature that explains all answers is divided out. When scores are random, labels alone count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.scores import ExpectedScores, ScoreRecord
from modelprint.scores.deviation import Deviation, deviate, deviate_in_order
from modelprint.scores.form import ScoreForm, find_form
from modelprint.scores.joint import JointResult, compare_jointly
from modelprint.scores.printed import Printed, read_printed
from modelprint.scores.randomness import SPREAD_ANSWERS, differ_in_pairs, measure_lead, moves_scores_alone
from modelprint.scores.temperature import find_temperature
from modelprint.verification.verdict import Observed

AnswersUsed = Literal["auto", "label", "order", "scores"]
"""What of an answer counts; "auto" takes the most that the file and the answers have."""
Used = Literal["label", "order", "scores"]
"""What did count."""

JOINT_SHARE = 0.1
"""Share of alpha that the joint test over samples gets."""
FEWEST_JOINT = 5
"""Fewest answers with scores for a joint test."""


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """What the answers so far say.

    Attributes:
        used: What counts of them.
        form: How scores are printed; None when no answer has any.
        differs: By sample: whether its answer differs; None when it says nothing.
        deviations: By sample: how far its scores are from the sealed ones, in floors.
        random: Whether the scores are random, so that labels alone count.
        may_be_random: Whether a few more answers would tell random scores from a changed model.
    """

    used: Used
    form: ScoreForm | None = None
    differs: Mapping[int, bool | None] = field(default_factory=dict)
    deviations: Mapping[int, Deviation] = field(default_factory=dict)
    random: bool = False
    may_be_random: bool = False

    @property
    def worst(self) -> tuple[int, Deviation] | None:
        """The sample whose scores deviate most, and how far; None without scores."""
        found = sorted(self.deviations.items(), key=lambda one: -one[1].largest)
        return found[0] if found else None

    def compare_jointly(self, record: ScoreRecord, alpha: float) -> JointResult | None:
        """Return the joint test over the samples; None where scores do not count, or too few answers have any."""
        if self.used != "scores" or len(self.deviations) < FEWEST_JOINT:
            return None
        squares = [one.square for one in self.deviations.values()]
        return compare_jointly(squares, record.null, alpha=alpha, multiple=record.multiple)


@dataclass(kw_only=True)
class ScoreRule:
    """Weighs the answers about the samples of a fingerprint.

    Attributes:
        record: The sealed scores.
        class_count: Number of classes.
        margins: Of each sample, in logits.
        answers: What of an answer counts.
    """

    record: ScoreRecord
    class_count: int
    margins: Sequence[float]
    answers: AnswersUsed
    _printed: dict[tuple[object, ...], Printed | None] = field(default_factory=dict, init=False, repr=False)

    def weigh(
        self, samples: Sequence[Observed], controls: Sequence[Observed] = (), repeated: Sequence[Observed] = ()
    ) -> Weighed:
        """Return what the answers say.

        Args:
            samples: Answers about samples, one for each.
            controls: Answers about controls, as usual.
            repeated: Second answers about some of the samples.
        """
        printed = self._read(samples)
        others = self._read(controls)
        form = find_form([*printed.values(), *others.values()], self.class_count)
        if form is None:
            return Weighed(used="label", differs={seen.index: self._judge_label(seen) for seen in samples})
        form = self._fit_temperature(form, printed, others)
        deviations = {
            index: found
            for index, one in printed.items()
            if (found := self._deviate(one, form, self.record.samples[index])) is not None
        }
        random = self._is_random(samples, form, deviations, printed, self._read(repeated))
        used: Used = "order" if form.scale == "unknown" or self.answers == "order" else "scores"
        differs = {} if random else {index: far.largest > self.record.multiple for index, far in deviations.items()}
        return Weighed(
            used="label" if random else used,
            form=form,
            differs={seen.index: self._judge(seen, differs.get(seen.index), random) for seen in samples},
            deviations=deviations,
            random=random,
            may_be_random=not random and self._may_be_random(samples, form, printed),
        )

    def _read(self, seen: Sequence[Observed]) -> dict[int, Printed]:
        """Return the scores in the answers that have some, by index."""
        found = {one.index: self._read_once(one) for one in seen}
        return {index: printed for index, printed in found.items() if printed is not None}

    def _read_once(self, seen: Observed) -> Printed | None:
        """Return the scores in one answer, which is weighed again with every later one."""
        key = (seen.answer.ranking, seen.answer.printed)
        if key not in self._printed:
            self._printed[key] = read_printed(seen.answer, self.class_count)
        return self._printed[key]

    def _fit_temperature(
        self, form: ScoreForm, printed: Mapping[int, Printed], controls: Mapping[int, Printed]
    ) -> ScoreForm:
        """Return the form with a temperature, where scores deviate without one and none does with it."""
        pairs = [(one, self.record.samples[index]) for index, one in printed.items()]
        far = [deviate(one, form, expected, self.record.floor) for one, expected in pairs]
        if all(one is None or one.largest <= self.record.multiple for one in far):
            return form
        if self.record.controls:
            pairs += [(one, self.record.controls[index]) for index, one in controls.items()]
        found = find_temperature(pairs, form, self.record.floor, self.record.multiple)
        return form if found is None else replace(form, temperature=found)

    def _deviate(self, printed: Printed, form: ScoreForm, expected: ExpectedScores) -> Deviation | None:
        if form.scale == "unknown" or self.answers == "order":
            return deviate_in_order(printed, expected, self.record.floor)
        return deviate(printed, form, expected, self.record.floor)

    def _is_random(
        self,
        samples: Sequence[Observed],
        form: ScoreForm,
        deviations: Mapping[int, Deviation],
        printed: Mapping[int, Printed],
        repeated: Mapping[int, Printed],
    ) -> bool:
        """Whether answers about one picture differ each time, or scores are wrong beside labels that all hold."""
        reach = 2 * self.record.multiple * self.record.floor
        pairs = []
        for index, again in repeated.items():
            far = self._deviate(again, form, self.record.samples[index])
            wrong = far is not None and far.largest > self.record.multiple
            if index in printed and index in deviations and deviations[index].largest > self.record.multiple:
                pairs.append((printed[index], again, wrong))
        return differ_in_pairs(pairs, form, reach) or moves_scores_alone(self._compare_leads(samples, form, printed))

    def _may_be_random(self, samples: Sequence[Observed], form: ScoreForm, printed: Mapping[int, Printed]) -> bool:
        found = self._compare_leads(samples, form, printed)
        return 0 < len(found) < SPREAD_ANSWERS and moves_scores_alone(found, enough=len(found))

    def _compare_leads(
        self, samples: Sequence[Observed], form: ScoreForm, printed: Mapping[int, Printed]
    ) -> list[tuple[float, float, bool]]:
        """Return how far the lead moved, the margin, and whether the label holds, of each sample that has all three."""
        found = []
        for seen in samples:
            if seen.index in printed and seen.answer.usable:
                moved = measure_lead(printed[seen.index], form, self.record.samples[seen.index], seen.expected)
                if moved is not None:
                    found.append((moved, self.margins[seen.index], not seen.flipped))
        return found

    def _judge(self, seen: Observed, by_scores: bool | None, random: bool) -> bool | None:
        """Return whether an answer differs; None when nothing of it may count."""
        label = self._judge_label(seen)
        if by_scores is None:
            return None if self.answers in ("scores", "order") and not random and not label else label
        return by_scores or bool(label)

    @staticmethod
    def _judge_label(seen: Observed) -> bool | None:
        return seen.flipped if seen.answer.usable else None


def make_rule(fingerprint: Fingerprint, answers: AnswersUsed) -> ScoreRule | None:
    """Return the rule by which scores count; None when labels alone do.

    Raises:
        ValueError: Scores are asked for, but none are sealed.
    """
    if answers == "label" or (answers == "auto" and fingerprint.scores is None):
        return None
    if fingerprint.scores is None:
        raise ValueError(
            f"answers: {answers} needs scores, and this fingerprint seals labels alone; use label, or seal it again"
        )
    return ScoreRule(
        record=fingerprint.scores,
        class_count=len(fingerprint.class_names),
        margins=[sample.margin for sample in fingerprint.samples],
        answers=answers,
    )


def honest_rate(fingerprint: Fingerprint, answers: AnswersUsed) -> float:
    """Return the probability p0, per sample, that an answer of honest serving differs by the rule for `answers`."""
    rate, rule = fingerprint.profile.flip_rate, make_rule(fingerprint, answers)
    return rate if rule is None else max(rate, rule.record.differ_rate)
