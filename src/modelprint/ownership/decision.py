"""Copy, unrelated or inconclusive: a test across reference models, with a stated rate of false accusations.

Source of the question: Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial
Perturbations", CVPR 2022, https://arxiv.org/abs/2202.08602, which reports a confidence from a test between the views of
the suspect and those of models trained on their own. `test="welch"` is our reading of it: a one-sided test of Welch
between their similarities, all views of all reference models together.

Departures: views of one model depend on each other, so that test is far surer than it may be, and a suspect that is
merely a little unusual is accused. The default, `test="rank"`, counts models: the p-value is the rank of the suspect
among models that are known to be unrelated, itself included, (1 + those at least as similar) / (1 + all of them). If
the suspect is unrelated, and its makers worked as those of the reference models did, it falls to a level or below with
at most that probability, whatever the distribution: ties count against the accusation. So few reference models cannot
support a strong claim: below a level of 1/20 nothing is said with fewer than nineteen.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Literal, get_args

from jaxtyping import Float
from scipy.stats import ttest_ind_from_stats
from torch import Tensor

from modelprint.ownership.encoder import Encoder, similarities
from modelprint.ownership.separation import check_similarities
from modelprint.ownership.views import Responses

ViewSimilarities = Float[Tensor, " _"]
"""Similarity of each view of one model to the victim; models may have been asked about more or fewer views."""
TestName = Literal["rank", "welch"]
Unit = Literal["views", "examples"]

LIMITS = (
    "The error rates hold for suspects that were made as the reference models were: for the same task, from data of "
    "the same kind, by training of the same kind. A verdict is evidence, not proof."
)
"""What no verdict on ownership can promise."""
VIEWS_DEPEND = "views of one model depend on each other, so this p-value is no rate of false accusations"


class Claim(StrEnum):
    """The three things that may be said of a suspect."""

    COPY = "copy"
    UNRELATED = "unrelated"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class OwnershipVerdict:
    """What is said of one suspect, with everything that led to it.

    Attributes:
        outcome: Copy, unrelated or inconclusive.
        reasons: Why, one sentence each.
        similarity: Of the suspect to the victim, the mean over views.
        p_value: How rarely an unrelated model is as similar as that.
        copy_p_value: How rarely a copy is as dissimilar as that; None without reference copies.
        alpha: Largest probability of calling an unrelated model a copy.
        beta: Largest probability of calling a copy unrelated.
        test: How the p-values were reached.
        others: Similarities of the unrelated reference models.
        copies: Similarities of the reference copies.
        views: How many views, or examples, were compared.
        victim: Which model the similarity is to; empty when not said.
        suspect: Which model was judged; empty when not said.
        unit: What `views` counts.
    """

    outcome: Claim
    reasons: tuple[str, ...]
    similarity: float
    p_value: float
    copy_p_value: float | None
    alpha: float
    beta: float
    test: TestName
    others: tuple[float, ...]
    copies: tuple[float, ...]
    views: int
    victim: str = ""
    suspect: str = ""
    unit: Unit = "views"

    @property
    def exit_code(self) -> int:
        """What a command exits with: 0 unrelated, 1 copy, 3 inconclusive."""
        return {Claim.UNRELATED: 0, Claim.COPY: 1, Claim.INCONCLUSIVE: 3}[self.outcome]

    @property
    def limits(self) -> str:
        """What this verdict cannot promise."""
        return LIMITS

    def to_json(self) -> str:
        """Return the verdict as one indented JSON object."""
        record = asdict(self) | {"outcome": str(self.outcome), "exit_code": self.exit_code, "limits": LIMITS}
        return json.dumps(record, indent=2, ensure_ascii=False)

    def summary(self) -> str:
        """Say in a few lines what was found and how sure it is."""
        copies = "" if self.copy_p_value is None else f"; of a copy {self.copy_p_value:.3g} (beta {self.beta:g})"
        lines = [
            ("verdict", str(self.outcome).upper()),
            *zip(["because", *[""] * len(self.reasons)], self.reasons, strict=False),
            ("similarity", f"{self.similarity:.3f} over {self.views} {self.unit}"),
            ("p-value", f"of an unrelated model {self.p_value:.3g} (alpha {self.alpha:g}){copies}"),
            ("references", f"{_counted(self.others, 'unrelated')}; {_counted(self.copies, 'copies')}"),
            ("limits", LIMITS),
        ]
        return "\n".join(f"{name:<12} {text}" for name, text in lines)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """How suspects are judged.

    Attributes:
        alpha: Largest probability of calling an unrelated model a copy: the rate of false accusations.
        beta: Largest probability of calling a copy unrelated.
        test: "rank" counts reference models; "welch" is the paper's kind of test, whose alpha (1e-4, say) is no rate.
    """

    alpha: float = 0.05
    beta: float = 0.1
    test: TestName = "rank"

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is a probability between 0 and 1, got {getattr(self, name)}")
        if self.test not in get_args(TestName):
            raise ValueError(f"test is one of {', '.join(get_args(TestName))}, got {self.test!r}")

    def decide(
        self,
        victim: Responses,
        suspect: Responses,
        others: Sequence[Responses],
        copies: Sequence[Responses] = (),
        encoder: Encoder | None = None,
    ) -> OwnershipVerdict:
        """Compare what models answered to the victim's views, and judge.

        Args:
            victim: Responses of the victim.
            suspect: Responses of the model in question.
            others: Of models known to be unrelated, which the encoder never saw.
            copies: Of models known to be copies, which the encoder never saw; without them nothing is "unrelated".
            encoder: Maps responses; None compares the responses themselves.

        Raises:
            ValueError: Too few references for the asked rates (says how many are needed), one of them twice or known to
                the encoder, or other views.
        """
        references = [*others, *copies]
        _check_references(victim, suspect, references, encoder)
        found, *rest = (similarities(victim, one, encoder) for one in (suspect, *references))
        verdict = self.judge(found, rest[: len(others)], rest[len(others) :])
        return replace(verdict, victim=victim.model, suspect=suspect.model)

    def judge(
        self, suspect: ViewSimilarities, others: Sequence[ViewSimilarities], copies: Sequence[ViewSimilarities] = ()
    ) -> OwnershipVerdict:
        """Judge from similarities alone.

        1. Refuse when the references are too few for alpha or beta.
        2. Find how rarely an unrelated model is as similar, and how rarely a copy is as dissimilar.
        3. Call it a copy when only the first is rare, unrelated when only the second is, and nothing otherwise.
        """
        self.check_counts(len(others), len(copies))  # (1)
        p_value = self._p_value(suspect, others)  # (2)
        copy_p = self._p_value(-suspect, [-one for one in copies]) if copies else None
        outcome, reasons = self._outcome(p_value, copy_p)  # (3)
        return OwnershipVerdict(
            outcome=outcome,
            reasons=reasons,
            similarity=_mean(suspect),
            p_value=p_value,
            copy_p_value=copy_p,
            alpha=self.alpha,
            beta=self.beta,
            test=self.test,
            others=tuple(map(_mean, others)),
            copies=tuple(map(_mean, copies)),
            views=len(suspect),
        )

    def check_counts(self, others: int, copies: int) -> None:
        """Refuse fewer reference models than alpha and beta need.

        Raises:
            ValueError: Says how many are needed.
        """
        for count, rate, rate_name, kind, free in (
            (others, self.alpha, "alpha", "unrelated models", False),
            (copies, self.beta, "beta", "copies", True),
        ):
            needed = needed_references(rate) if self.test == "rank" else 1
            if count < needed and not (free and count == 0):
                raise ValueError(
                    f"{rate_name} {rate:g} needs at least {needed} {kind} as references, which the encoder never saw; "
                    f"got {count}: train more, or ask for {rate_name} {1 / (count + 1):.2g} at best"
                )

    def _p_value(self, suspect: ViewSimilarities, references: Sequence[ViewSimilarities]) -> float:
        if self.test == "rank":
            return rank_p_value(_mean(suspect), [_mean(one) for one in references])
        return welch_p_value(suspect, references)

    def _outcome(self, p_value: float, copy_p: float | None) -> tuple[Claim, tuple[str, ...]]:
        high, low = p_value <= self.alpha, copy_p is not None and copy_p <= self.beta
        caveat = (VIEWS_DEPEND,) if self.test == "welch" else ()
        if high and low:
            return Claim.INCONCLUSIVE, ("more similar than unrelated models are, and less than copies are", *caveat)
        if high:
            return Claim.COPY, ("more similar to the victim than unrelated models are", *caveat)
        if low:
            return Claim.UNRELATED, ("less similar to the victim than copies are, and no more than others are", *caveat)
        if copy_p is None:
            return Claim.INCONCLUSIVE, (
                "no more similar than unrelated models may be; without reference copies that does not acquit it",
                *caveat,
            )
        return Claim.INCONCLUSIVE, ("an unrelated model and a copy may both be as similar as this", *caveat)


def rank_p_value(suspect: float, references: Sequence[float]) -> float:
    """Return (1 + references at least as large as `suspect`) / (1 + references)."""
    check_similarities([suspect, *references], "models")
    return (1 + sum(one >= suspect for one in references)) / (1 + len(references))


def welch_p_value(suspect: ViewSimilarities, references: Sequence[ViewSimilarities]) -> float:
    """Return the one-sided p-value of Welch's test that the views of `suspect` have the larger mean.

    Raises:
        ValueError: Fewer than two views on either side, or no spread at all.
    """
    pooled = [value for one in references for value in one.tolist()]
    sides = [suspect.double(), suspect.new_tensor(pooled).double()]
    if min(map(len, sides)) < 2:
        raise ValueError(f"Welch's test needs at least two views on either side, got {len(sides[0])} and {len(pooled)}")
    (mean, spread, count), (other_mean, other_spread, other_count) = (
        (one.mean().item(), one.std().item(), len(one)) for one in sides
    )
    if spread == other_spread == 0:
        raise ValueError('similarities without any spread give Welch\'s test no scale; take test "rank"')
    result = ttest_ind_from_stats(
        mean, spread, count, other_mean, other_spread, other_count, equal_var=False, alternative="greater"
    )
    return float(result.pvalue)


def needed_references(rate: float) -> int:
    """Return the fewest reference models with which a rank can be as rare as `rate`."""
    needed = max(math.floor(1 / rate) - 1, 0)
    return needed if 1 / (needed + 1) <= rate else needed + 1


def _check_references(
    victim: Responses, suspect: Responses, references: Sequence[Responses], encoder: Encoder | None
) -> None:
    models = [one.model for one in references]
    if len(set(models)) < len(models):
        raise ValueError("a reference model is there twice; its answers count once")
    if {victim.model, suspect.model} & set(models):
        raise ValueError("the victim or the suspect is among the reference models; leave it out there")
    if encoder is None:
        return
    known = [number for number, model in enumerate(models, 1) if model in encoder.seen]
    if known:
        raise ValueError(
            f"the encoder learnt from reference model {known[0]} ({len(known)} of {len(models)} in all), so its "
            "similarity says nothing about models that it did not learn from; take others"
        )
    if suspect.model != victim.model and suspect.model in encoder.seen:
        raise ValueError("the encoder learnt from the suspect, so it cannot judge it; train one without it")


def _mean(values: ViewSimilarities) -> float:
    return values.double().mean().item()


def _counted(values: Sequence[float], name: str) -> str:
    extent = f" from {min(values):.3f} to {max(values):.3f}" if values else ""
    return f"{len(values)} {name}{extent}"
