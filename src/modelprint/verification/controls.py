"""Controls: ordinary pictures that are asked before a verdict *tampered*. Needs no torch.

A model that is asked as it was sealed gives every control its label, and so does nearly every tampered one: their
margins are wide. When most get another label, pictures or labels do not arrive as they were sealed. Then the same
controls, and the samples that were asked before, are asked in other ways, until one of them explains the answers. When
the controls are right, some samples that differ are asked again, which shows answers that vary. Samples that were asked
before are asked in the other ways too: an untouched model whose pictures are changed in a way that can be undone gives
all of them their labels.

Which question comes next follows from the answers so far alone, so a run that was interrupted continues, and a replay
reaches the same verdict.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from modelprint.data.class_order import list_orders
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.verification.label_map import write_label_map
from modelprint.verification.verdict import ControlCheck, Observed

USUAL = ""
"""Name of the way in which samples are asked."""
MOST_CONTROLS = 12
"""How many controls of a file are asked."""
FEWEST_USABLE = 4
"""Usable answers below which controls say nothing."""
SHARE_RIGHT = 0.75
"""Share of the usable controls that must be right in a way that explains the answers."""
FEWEST_SAMPLES = 3
"""Samples below which no way can explain samples whose controls are right."""
MOST_SAMPLES = 8
"""How many samples asked before are asked again in one way."""
REPEATS = 3
"""How many samples that differ are asked again as usual, to see whether the answers vary."""
PATIENCE = 4
"""After how many unusable answers in a row no further control is asked."""

Subject = Literal["control", "sample"]
SUBJECTS: tuple[Subject, ...] = ("control", "sample")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One answer about a control, or about a sample in another way than usual.

    Attributes:
        form: Name of the way in which it was sent; USUAL as the samples are.
        subject: What it is about.
        observed: Its index among the controls or the samples, and the answer. The hash is that of the sealed picture.
    """

    form: str
    subject: Subject
    observed: Observed


Question = tuple[str, Subject, int]
"""Way, subject and index."""


@dataclass(kw_only=True)
class Trials:
    """The answers about controls so far, and what they amount to.

    Attributes:
        count: How many controls are asked; 0 for none.
        forms: Other ways in which pictures can be sent.
        class_names: Classes, in label order.
        answers: Answers by way and subject, then by index.
    """

    count: int
    forms: tuple[str, ...]
    class_names: Sequence[str]
    answers: dict[tuple[str, Subject], dict[int, Observed]] = field(default_factory=dict)

    def add(self, trial: Trial) -> None:
        """Count one answer."""
        self.answers.setdefault((trial.form, trial.subject), {})[trial.observed.index] = trial.observed

    @property
    def answer_count(self) -> int:
        """How many answers there are."""
        return sum(map(len, self.answers.values()))

    def has(self, form: str, subject: Subject, index: int) -> bool:
        """Whether there is an answer already."""
        return index in self._get(form, subject)

    @property
    def controls(self) -> list[Observed]:
        """The answers about controls, as usual."""
        return list(self._get(USUAL, "control").values())

    @property
    def repeated(self) -> list[Observed]:
        """The second answers about samples, as usual."""
        return list(self._get(USUAL, "sample").values())

    def find_repeat(self, samples: Sequence[Observed]) -> Question | None:
        """Return which sample to ask again to see whether scores that differ are random; None when enough were."""
        for seen in self._choose_repeated([seen for seen in samples if not seen.flipped]):
            if not self.has(USUAL, "sample", seen.index):
                return USUAL, "sample", seen.index
        return None

    def find_question(self, samples: Sequence[Observed]) -> Question | None:
        """Return what to ask next; None when no answer can change anything any more.

        Args:
            samples: The usable answers about samples.
        """
        if not self._asked_usual:
            return USUAL, "control", next(i for i in range(self.count) if not self.has(USUAL, "control", i))
        if (
            len(self._usable) < FEWEST_USABLE
            or self._find_order()
            or any(self._fits(one, samples) for one in self.forms)
        ):
            return None
        for seen in () if self.disagree else self._choose_repeated(samples):
            if not self.has(USUAL, "sample", seen.index):
                return USUAL, "sample", seen.index
        if not self.disagree and self._count_varied(samples):
            return None  # then a sample is right in another way by accident
        for form in self.forms:
            if (question := self._find_in_form(form, samples)) is not None:
                return question
        return None

    def find_explanation(self, samples: Sequence[Observed]) -> tuple[str, int, int] | None:
        """Return the way or order that explains the answers, how many pictures are right in it, and of how many."""
        if len(self._usable) < FEWEST_USABLE:
            return None
        if (order := self._find_order()) is not None:
            return order, self._count_in_order(order), len(self._usable)
        found = [form for form in self.forms if self._fits(form, samples)]
        if not found and self.disagree:
            passing = [form for form in self.forms if self._passes(form)]
            found = sorted(passing, key=lambda form: -self._count_right(form, "sample")[0])
        if not found:
            return None
        counts = [self._count_right(found[0], subject) for subject in SUBJECTS]
        return found[0], sum(right for right, _ in counts), sum(map(sum, counts))

    @property
    def disagree(self) -> bool:
        """Whether most controls, and enough of them, have another label than they should."""
        wrong = sum(seen.mismatch for seen in self._usable)
        return len(self._usable) >= FEWEST_USABLE and 2 * wrong > len(self._usable)

    @property
    def agree(self) -> bool:
        """Whether the controls have shown that pictures and labels arrive as they should."""
        right = sum(not seen.mismatch for seen in self._usable)
        return len(self._usable) >= FEWEST_USABLE and right >= self._needed

    @property
    def single_label(self) -> int | None:
        """The label of all usable controls although several are expected; None when there is none."""
        seen = {one.answer.label for one in self._usable}
        several = len({one.expected for one in self._usable}) > 1
        return next(iter(seen)) if len(seen) == 1 and several else None

    def summarise(self, samples: Sequence[Observed]) -> ControlCheck | None:
        """Return what was found; None when no control was asked."""
        if not self.answers:
            return None
        found = self.find_explanation(samples)
        places = None if found is None else list_orders(self.class_names).get(found[0])
        return ControlCheck(
            asked=len(self._get(USUAL, "control")),
            usable=len(self._usable),
            right=sum(not seen.mismatch for seen in self._usable),
            questions=self.answer_count,
            explained_by=None if found is None else found[0],
            explained=(0, 0) if found is None else found[1:],
            repeated=sum(seen.answer.usable for seen in self._get(USUAL, "sample").values()),
            varied=self._count_varied(samples),
            label_map=None if places is None else write_label_map(places, self.class_names),
        )

    @property
    def _asked_usual(self) -> bool:
        """Whether every control was asked as usual, or too many answers in a row were unusable."""
        seen = list(self._get(USUAL, "control").values())
        silent = len(seen) >= PATIENCE and not any(one.answer.usable for one in seen[-PATIENCE:])
        return len(seen) >= self.count or silent

    @property
    def _usable(self) -> list[Observed]:
        """The usable answers as usual, those that are wrong first."""
        usable = [seen for seen in self._get(USUAL, "control").values() if seen.answer.usable]
        return sorted(usable, key=lambda seen: not seen.mismatch)

    @property
    def _needed(self) -> int:
        """How many controls must be right in a way that explains the answers."""
        return math.ceil(SHARE_RIGHT * len(self._usable))

    def _find_order(self) -> str | None:
        """Return the known order of the classes that explains controls that are wrong; None when there is none."""
        if not self.disagree:
            return None
        orders = list_orders(self.class_names)
        return next((name for name in orders if self._count_in_order(name) >= self._needed), None)

    def _count_in_order(self, name: str) -> int:
        places = list_orders(self.class_names)[name]
        return sum(seen.answer.label == places[seen.expected] for seen in self._usable)

    def _find_in_form(self, form: str, samples: Sequence[Observed]) -> Question | None:
        """Return the next question in one way; None when it is explained, or can no longer be.

        Controls come first when they are wrong as usual; otherwise they cannot tell, and samples come first.
        """
        asking = [self._find_control(form), self._find_sample(form, samples)]
        if self.disagree:
            return asking[0] or (asking[1] if self._passes(form) else None)
        chosen = self._choose_samples(samples)
        if len(chosen) < FEWEST_SAMPLES:
            return None
        return asking[1] or (asking[0] if self._count_right(form, "sample") == (len(chosen), 0) else None)

    def _find_control(self, form: str) -> Question | None:
        """Return the next control; None when enough are right, or too many wrong."""
        right, wrong = self._count_right(form, "control")
        if right >= self._needed or wrong > len(self._usable) - self._needed:
            return None
        left = (seen.index for seen in self._usable if not self.has(form, "control", seen.index))
        return form, "control", next(left)

    def _find_sample(self, form: str, samples: Sequence[Observed]) -> Question | None:
        """Return the next sample that was asked before; None after one that is wrong, and after all."""
        left = (seen.index for seen in self._choose_samples(samples) if not self.has(form, "sample", seen.index))
        index = None if self._count_right(form, "sample")[1] else next(left, None)
        return None if index is None else (form, "sample", index)

    def _passes(self, form: str) -> bool:
        """Whether enough controls are right in one way."""
        return self._count_right(form, "control")[0] >= self._needed

    def _fits(self, form: str, samples: Sequence[Observed]) -> bool:
        """Whether enough controls and all samples are right in one way."""
        count = len(self._choose_samples(samples))
        enough = count >= (1 if self.disagree else FEWEST_SAMPLES)
        return enough and self._passes(form) and self._count_right(form, "sample")[0] == count

    def _choose_repeated(self, samples: Sequence[Observed]) -> list[Observed]:
        """Return the samples that are asked again as usual."""
        return [seen for seen in samples if seen.mismatch][:REPEATS]

    def _count_varied(self, samples: Sequence[Observed]) -> int:
        """Return how many samples that were asked again as usual got another label."""
        first = {seen.index: seen.answer.label for seen in samples}
        again = [seen for seen in self._get(USUAL, "sample").values() if seen.answer.usable]
        return sum(first.get(seen.index) not in (None, seen.answer.label) for seen in again)

    def _choose_samples(self, samples: Sequence[Observed]) -> list[Observed]:
        """Return the samples to ask again in another way, those that differ first."""
        return sorted(samples, key=lambda seen: not seen.mismatch)[:MOST_SAMPLES]

    def _count_right(self, form: str, subject: Subject) -> tuple[int, int]:
        seen = self._get(form, subject).values()
        right = sum(map(_is_right, seen))
        return right, len(seen) - right

    def _get(self, form: str, subject: Subject) -> Mapping[int, Observed]:
        return self.answers.get((form, subject), {})


def count_controls(fingerprint: Fingerprint) -> int:
    """Return how many controls are asked before a verdict tampered."""
    found = min(len(fingerprint.controls), MOST_CONTROLS)
    return found if found >= FEWEST_USABLE else 0


def count_most_questions(controls: int, form_count: int) -> int:
    """Return how many questions about controls, and about samples asked before, there are at most."""
    return controls + REPEATS + form_count * (controls + MOST_SAMPLES) if controls else 0


def _is_right(seen: Observed) -> bool:
    return seen.answer.usable and not seen.mismatch
