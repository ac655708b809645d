"""Verdicts: what the answers of an oracle say about the model behind it, and how sure that is. Needs no torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from modelprint.oracles.oracle import Answer
from modelprint.pages.secret import SECRET
from modelprint.verification.identification import Identification

LIMITS = (
    "Labels alone cannot exclude a provider who recognises these queries and answers them from the intact model: "
    "ask from other connections, at other times, among ordinary images, and use every sample once."
)
"""What no verdict of ours can promise; goes into every summary and report."""

SEEN = 0.95
"""Probability with which a change of `Verdict.visible_rate` would have shown itself."""


class Outcome(StrEnum):
    """The three possible outcomes of a verification."""

    INTACT = "intact"
    TAMPERED = "tampered"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """0 intact, 1 tampered, 3 no verdict; 2 is left to wrong usage."""
        return {Outcome.INTACT: 0, Outcome.TAMPERED: 1, Outcome.INCONCLUSIVE: 3}[self]

    @property
    def decided(self) -> bool:
        """Whether this is an answer to the question."""
        return self is not Outcome.INCONCLUSIVE


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One sample and the oracle's answer about it.

    Attributes:
        index: Which sample of the fingerprint.
        png_sha256: SHA-256 of the bytes that were asked about.
        expected: The label in the fingerprint.
        answer: What the oracle said.
        differs: Whether it differs by a rule that looks at more than the label; None when the label alone counts.
    """

    index: int
    png_sha256: str
    expected: int
    answer: Answer
    differs: bool | None = None

    @property
    def usable(self) -> bool:
        """Whether this answer may count as a match or a mismatch: a tie may, when its scores count."""
        return self.answer.usable or self.differs is not None

    @property
    def flipped(self) -> bool:
        """Whether there is a usable answer and it is another label."""
        return self.answer.usable and self.answer.label != self.expected

    @property
    def mismatch(self) -> bool:
        """Whether the answer differs: in its label, or by a rule that looks at more."""
        return self.flipped if self.differs is None else self.differs


@dataclass(frozen=True, kw_only=True)
class ScoreCheck:
    """What the printed scores showed.

    Attributes:
        used: What counts of the answers: "scores", their "order", or the "label" alone.
        form: How the scores are printed, in words.
        floor: Largest honest change of a log-probability.
        multiple: A score beyond so many floors differs.
        random: Whether the scores are random, so that labels alone count.
        flipped: Answers whose label differs.
        largest: Largest deviation of a score, in floors; None when none was compared.
        sample: The sample that has it.
        label: Its class.
        printed: The score that was printed there.
        sealed: The probability that is sealed there, or the largest that it may have.
        joint: Root of the mean squared deviation of all samples, in floors; None when it was not computed.
        joint_bound: Largest root that honest serving comes to.
    """

    used: Literal["label", "order", "scores"]
    form: str
    floor: float
    multiple: float
    random: bool = False
    flipped: int = 0
    largest: float | None = None
    sample: int | None = None
    label: int | None = None
    printed: float | None = None
    sealed: float | None = None
    joint: float | None = None
    joint_bound: float | None = None


@dataclass(frozen=True, kw_only=True)
class ControlCheck:
    """What ordinary pictures with wide margins showed before a verdict.

    Attributes:
        asked: Controls that were asked.
        usable: Those with a usable answer.
        right: Those with the label that the protected model gives them.
        questions: All questions about controls, and about samples asked before, in any way of sending pictures.
        explained_by: Way of sending pictures, or order of the classes, that explains the answers; None when none does.
        explained: Pictures that are right in it, and how many were asked; (0, 0) without one.
        label_map: The line of an endpoint file that corrects the order of the classes, when that explains the answers.
        repeated: Samples that were asked again as usual and got a usable answer.
        varied: Those that got another label than before.
    """

    asked: int
    usable: int
    right: int
    questions: int
    explained_by: str | None = None
    explained: tuple[int, int] = (0, 0)
    label_map: str | None = None
    repeated: int = 0
    varied: int = 0


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """What else than a changed model the answers may come from.

    Attributes:
        flips: Differing labels about samples whose source is known to have another label than they have.
        on_source: How many of them are the label of the source.
        reading: What that points to: changed "pictures" (or another model of the same task), changed "weights", or
            "unclear"; "unknown" without flips that could be compared.
        cache_headers: Headers of the replies that say that a cache answered.
        tied: Samples whose two leading scores were equal.
        decimals: Most decimals of a printed score, where they look rounded; None otherwise.
    """

    flips: int
    on_source: int
    reading: Literal["pictures", "weights", "unclear", "unknown"]
    cache_headers: tuple[str, ...] = ()
    tied: int = 0
    decimals: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of one verification, with everything that led to it.

    Attributes:
        outcome: Intact, tampered or inconclusive.
        reasons: Why, one sentence each.
        p_value: Anytime-valid: under honest serving it falls to any level x, ever, with probability at most x.
        alpha: Largest probability of calling an intact model tampered, in this run.
        beta: Largest probability of calling a model intact whose samples flip with probability `p1` or more.
        p0: Flip rate per sample under honest serving.
        p1: Smallest flip rate per sample that counts as tampering.
        queries: How many samples could be asked.
        asked: How many samples were asked; the next five counts split it.
        answered: Samples with a usable answer: matched plus mismatched.
        matched: Samples with the expected label.
        mismatched: Samples with another label.
        tied: Samples whose two leading scores were equal.
        failed: Samples without an answer.
        observations: One for each sample asked, in the order of the first question.
        remap: Expected label to answered label, when one permutation explains every answer; else None.
        fingerprint: Digest of the fingerprint.
        oracle: What was asked.
        identification: Which release answers; None when intact, and when the fingerprint carries no releases.
        constant: The label that every usable answer has although several are expected; None when there is none.
        doubts: What else than a changed model the answers may come from; None when intact.
        controls: What ordinary pictures showed before the verdict; None when none were asked.
        scores: What the printed scores showed; None when labels alone were looked at, or no scores were printed.
        run: Which run of its ledger this is, from 1; 0 without a ledger.
        fresh: Whether this call asked; False when it only read what was answered before.
        reused: Whether a verdict that is not fresh may stand for a check, so that its exit code is that of the outcome.
        decided: When the verdict of an earlier run was reached, in UTC; None for a fresh one.
        unasked: How many samples of the file were never asked, as far as the ledger knows; None without a ledger.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    p_value: float
    alpha: float
    beta: float
    p0: float
    p1: float
    queries: int
    asked: int
    answered: int
    matched: int
    mismatched: int
    tied: int
    failed: int
    observations: tuple[Observed, ...]
    remap: Mapping[int, int] | None
    fingerprint: str
    oracle: Mapping[str, str]
    identification: Identification | None = None
    constant: int | None = None
    doubts: Doubts | None = None
    controls: ControlCheck | None = None
    scores: ScoreCheck | None = None
    run: int = 0
    fresh: bool = field(default=True, compare=False)
    reused: bool = field(default=False, compare=False)
    decided: str | None = field(default=None, compare=False)
    unasked: int | None = field(default=None, compare=False)

    @property
    def accepted(self) -> bool:
        """Whether a release answers that was accepted beforehand."""
        return self.identification is not None and self.identification.accepted

    @property
    def headline(self) -> str:
        """The outcome in capital letters, or which accepted release answers."""
        if self.accepted and self.identification is not None:
            return f"ACCEPTED: release {' or '.join(self.identification.names)}"
        return str(self.outcome).upper()

    @property
    def exit_code(self) -> int:
        """That of the outcome; 0 when an accepted release answers, and 3 instead of 1 while one may still answer.

        3 as well when nothing was asked, unless an earlier verdict may be reused.
        """
        if not self.fresh and not self.reused:
            return Outcome.INCONCLUSIVE.exit_code
        if self.accepted:
            return Outcome.INTACT.exit_code
        if self.identification is not None and self.identification.pending:
            return Outcome.INCONCLUSIVE.exit_code
        return self.outcome.exit_code

    @property
    def visible_rate(self) -> float | None:
        """Smallest flip rate per sample that these answers would have shown with probability 95 %; None without any."""
        return 1 - (1 - SEEN) ** (1 / self.answered) if self.answered else None

    @property
    def limits(self) -> str:
        """What this verdict cannot promise."""
        return LIMITS

    def numbers(self) -> dict[str, Any]:
        """Return everything but the observations, ready for JSON."""
        record = {name: value for name, value in vars(self).items() if name != "observations"}
        remap = None if self.remap is None else {str(label): seen for label, seen in self.remap.items()}
        return record | {
            "outcome": str(self.outcome),
            "reasons": list(self.reasons),
            "remap": remap,
            "oracle": dict(self.oracle),
            "identification": None if self.identification is None else asdict(self.identification),
            "doubts": None if self.doubts is None else asdict(self.doubts),
            "controls": None if self.controls is None else asdict(self.controls),
            "scores": None if self.scores is None else asdict(self.scores),
            "visible_rate": self.visible_rate,
            "exit_code": self.exit_code,
        }

    def to_json(self) -> str:
        """Return the verdict, with every observation, as one indented JSON object."""
        warned = {"secret": SECRET} if self.observations else {}
        record = (
            warned | self.numbers() | {"limits": LIMITS, "observations": [asdict(seen) for seen in self.observations]}
        )
        return json.dumps(record, indent=2, ensure_ascii=False)

    def summary(self) -> str:
        """Say in a few lines what was found and how sure it is."""
        split = f"{self.matched} match, {self.mismatched} differ, {self.tied} tied, {self.failed} without an answer"
        lines = [
            ("verdict", self.headline),
            *zip(["because", *[""] * len(self.reasons)], self.reasons, strict=False),
            *self._say_when(),
            ("asked", f"{self.asked} of at most {self.queries} samples: {split}"),
            *([] if self.scores is None else [("scores", self.scores.form)]),
            *self._list_controls(),
            ("p-value", f"{self.p_value:.3g} at any stopping time; alpha {self.alpha:g}, beta {self.beta:g}"),
            ("flip rates", f"{self.p0:g} when served honestly, {self.p1:g} or more when tampered with"),
        ]
        if self.visible_rate is not None and not self.mismatched:
            change = f"a change that flips a sample with probability {self.visible_rate:.2g} or more"
            lines.append(("would see", f"{change} shows in {self.answered} answers with probability {SEEN:.0%}"))
        if self.unasked is not None:
            lines.append(("left", f"{self.unasked} samples of the file were never asked of this model"))
        lines.append(("limits", LIMITS))
        return "\n".join(f"{name:<12} {text}" for name, text in lines)

    def _list_controls(self) -> list[tuple[str, str]]:
        """Return a line about ordinary pictures, when some were asked."""
        if self.controls is None:
            return []
        found = self.controls
        if not found.asked:
            return [("asked again", f"{found.questions} questions about samples asked before, which cost none")]
        right = f"{found.right} of {found.usable} usable answers about ordinary pictures are right"
        return [("controls", f"{right}; {found.questions} questions about them, which cost no sample")]

    def _say_when(self) -> list[tuple[str, str]]:
        """Return lines about an earlier verdict and about the budget that runs share."""
        lines = []
        if not self.fresh:
            advice = "" if self.reused else "; to let it count again, give --reuse; to ask again, name a new transcript"
            lines.append(("decided", f"{self.decided or 'not yet'}; nothing was asked now{advice}"))
        if self.run:
            lines.append(("run", f"number {self.run} of its budget, which has alpha {self.budget_alpha:g} in all"))
        return lines

    @property
    def budget_alpha(self) -> float:
        """Largest probability of a false alarm over all runs that share a budget."""
        return self.alpha * self.run * (self.run + 1) if self.run else self.alpha
