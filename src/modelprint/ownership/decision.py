"""Copy, unrelated or inconclusive: a test across reference models, with a stated error rate. Needs no torch.

Source of the question: Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial
Perturbations", CVPR 2022, https://arxiv.org/abs/2202.08602, which reports a confidence from a test between the views of
the suspect and those of models trained on their own. `test="welch"` is our reading of it: a one-sided test of Welch
between their similarities, all views of all reference models together.

Departures: views of one model depend on each other, so that test overstates its certainty, and calls a suspect a copy
that is only a little unusual. The default, `test="rank"`, counts models: the p-value is the rank of the suspect among
models that are known to be unrelated, itself included, (1 + those at least as similar) / (1 + all of them). If the
suspect is unrelated and was made in the way of the reference models, the p-value falls to a level or below with at most
that probability, whatever the distribution; ties count for the suspect. A strong claim therefore needs many reference
models: a level of 1/20 needs nineteen.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

ViewSimilarities = Float[np.ndarray, " _"]
"""Similarity of each view of one model to the victim; models may have been asked about more or fewer views."""
TestName = Literal["rank", "welch"]
Unit = Literal["views", "examples"]

LIMITS = (
    "The error rates hold for suspects that were made as the reference models were: for the same task, from data of "
    "the same kind, by training of the same kind. A verdict is evidence, not proof."
)
"""What no verdict on ownership can promise."""
VIEWS_DEPEND = "views of one model depend on each other, so this p-value is not a rate of false accusations"


class Claim(StrEnum):
    """The three possible outcomes for a suspect."""

    COPY = "copy"
    UNRELATED = "unrelated"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class OwnershipVerdict:
    """The outcome for one suspect, with everything that led to it.

    Attributes:
        outcome: Copy, unrelated or inconclusive.
        reasons: Why, one sentence each.
        similarity: Of the suspect to the victim, the mean over views.
        p_value: Probability that an unrelated model is at least as similar.
        copy_p_value: Probability that a copy is at most as similar; None without reference copies.
        alpha: Largest probability of calling an unrelated model a copy.
        beta: Largest probability of calling a copy unrelated.
        test: How the p-values were computed.
        others: Similarities of the unrelated reference models.
        copies: Similarities of the reference copies.
        views: How many views, or examples, were compared.
        victim: Which model the similarity is to; empty when unknown.
        suspect: Which model was judged; empty when unknown.
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
            ("references", f"{_count_and_range(self.others, 'unrelated')}; {_count_and_range(self.copies, 'copies')}"),
            ("limits", LIMITS),
        ]
        return "\n".join(f"{name:<12} {text}" for name, text in lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnershipCheck:
    """A verdict, and the answers that led to it.

    Attributes:
        verdict: Copy, unrelated or inconclusive.
        oracle: What was asked, without secrets.
        labels: The class that the suspect gives each example; None where views were compared.
        represented: The encoder's representation of the suspect's answers and of the victim's, one row for each view;
            None where labels were compared.
    """

    verdict: OwnershipVerdict
    oracle: Mapping[str, str]
    labels: tuple[int, ...] | None = None
    represented: tuple[Float[np.ndarray, "views features"], Float[np.ndarray, "views features"]] | None = None


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

    def judge(
        self, suspect: ViewSimilarities, others: Sequence[ViewSimilarities], copies: Sequence[ViewSimilarities] = ()
    ) -> OwnershipVerdict:
        """Judge from similarities alone.

        1. Refuse when the references are too few for alpha or beta.
        2. Compute the two p-values: of an unrelated model, and of a copy.
        3. Call it a copy when only the first is small, unrelated when only the second is, and inconclusive otherwise.
        """
        self.check_counts(len(others), len(copies))  # (1)
        p_value = self._p_value(suspect, others)  # (2)
        copy_p = self._p_value(-suspect, [-one for one in copies]) if copies else None
        outcome, reasons = self._decide(p_value, copy_p)  # (3)
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
                    f"{rate_name} {rate:g} needs at least {needed} {kind} as references, on which the encoder was not "
                    f"trained; got {count}: train more, or ask for {rate_name} {1 / (count + 1):.2g} at best"
                )

    def _p_value(self, suspect: ViewSimilarities, references: Sequence[ViewSimilarities]) -> float:
        if self.test == "rank":
            return rank_p_value(_mean(suspect), [_mean(one) for one in references])
        return welch_p_value(suspect, references)

    def _decide(self, p_value: float, copy_p: float | None) -> tuple[Claim, tuple[str, ...]]:
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
                "no more similar than unrelated models; without reference copies no model can be called unrelated",
                *caveat,
            )
        return Claim.INCONCLUSIVE, ("an unrelated model and a copy may both be as similar as this", *caveat)


def check_similarities(values: Sequence[float], name: str) -> None:
    """Raise ValueError where `values`, the similarities of `name`, are not cosines or there are none."""
    if not values:
        raise ValueError(f"there are no similarities of {name}")
    if not all(-1.001 <= value <= 1.001 for value in values):
        raise ValueError(f"similarities are cosines, -1 to 1, got {', '.join(f'{v:g}' for v in values)} for {name}")


def rank_p_value(suspect: float, references: Sequence[float]) -> float:
    """Return (1 + references at least as large as `suspect`) / (1 + references)."""
    check_similarities([suspect, *references], "models")
    return (1 + sum(one >= suspect for one in references)) / (1 + len(references))


def welch_p_value(suspect: ViewSimilarities, references: Sequence[ViewSimilarities]) -> float:
    """Return the one-sided p-value of Welch's test that the views of `suspect` have the larger mean.

    Raises:
        ValueError: Fewer than two views on either side, or no spread at all.
    """
    from scipy.stats import ttest_ind_from_stats  # checking by labels has to work without scipy

    sides = [suspect.astype(np.float64), np.concatenate([one.astype(np.float64) for one in references])]
    if min(map(len, sides)) < 2:
        raise ValueError(
            f"Welch's test needs at least two views on either side, got {len(sides[0])} and {len(sides[1])}"
        )
    (mean, spread, count), (other_mean, other_spread, other_count) = (
        (float(one.mean()), float(one.std(ddof=1)), len(one)) for one in sides
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


def _mean(values: ViewSimilarities) -> float:
    return float(values.astype(np.float64).mean())


def _count_and_range(values: Sequence[float], name: str) -> str:
    extent = f" from {min(values):.3f} to {max(values):.3f}" if values else ""
    return f"{len(values)} {name}{extent}"
