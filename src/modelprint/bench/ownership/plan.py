"""What a plan says about ownership: how the victim's pattern, views, encoder and C-examples are made, and who judges.

    [ownership]
    alpha = 0.05
    sibling = "fashion-lenet5-half-2"
    pattern = { radius = 40 }
    views = { points = 200, views = 50 }
    examples = [{ name = "vanilla", variant = "vanilla" }]

Suspects are the rows of the plan. Of each row the first `learnt` suspects are what encoders learn from.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from modelprint.ownership import (
    OWNERSHIP_SUSPECTS,
    VARIANTS,
    CExamples,
    Clusters,
    Contrastive,
    Universal,
    needed_references,
)
from modelprint.settings import build, format_settings

_STRICT = ConfigDict(extra="forbid", strict=True)
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]
_Rate = Annotated[float, Field(gt=0, lt=1)]
_Settings = dict[str, Any]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PlannedExamples:
    """C-examples of one setting.

    Attributes:
        name: What tables call them.
        variant: A name in VARIANTS.
        settings: Settings that differ from those of the variant.
        count: Examples to begin.
    """

    name: _Name
    variant: str = "vanilla"
    settings: _Settings = Field(default_factory=dict)
    count: Annotated[int, Field(ge=1, le=10_000)] = 100

    def build(self) -> CExamples:
        """Return the settings; ValueError names a wrong one."""
        return build(VARIANTS, self.variant, format_settings(self.settings))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PlannedOwnership:
    """How ownership is asked for.

    Attributes:
        alpha: Largest probability of calling an unrelated model a copy.
        beta: Largest probability of calling a copy unrelated.
        sibling: Another victim, a name in TARGETS, whose encoder is tried on this one; empty for none. What it learns
            from are the same rows, made of the sibling.
        pattern: Settings of the perturbation that differ from the usual ones.
        views: Settings of points and views, likewise.
        encoder: Settings of the encoder, likewise.
        border: Pairs of test images between which a border point is looked for; 0: none.
        examples: C-examples, in the order of the tables.
    """

    alpha: _Rate = 0.05
    beta: _Rate = 0.1
    sibling: str = ""
    pattern: _Settings = Field(default_factory=dict)
    views: _Settings = Field(default_factory=dict)
    encoder: _Settings = Field(default_factory=dict)
    border: Annotated[int, Field(ge=0, le=10_000)] = 200
    examples: tuple[PlannedExamples, ...] = ()

    def universal(self) -> Universal:
        """Return how the pattern is made; ValueError names a wrong setting."""
        return build({"pattern": Universal}, "pattern", format_settings(self.pattern))

    def clusters(self) -> Clusters:
        """Return how views are chosen; ValueError names a wrong setting."""
        return build({"views": Clusters}, "views", format_settings(self.views))

    def contrastive(self) -> Contrastive:
        """Return how the encoder is made; ValueError names a wrong setting."""
        return build({"encoder": Contrastive}, "encoder", format_settings(self.encoder))


def check_ownership(planned: PlannedOwnership, rows: Sequence[tuple[str, int, int]]) -> None:
    """Raise ValueError, naming the key, where a setting is wrong or the suspects are too few.

    Args:
        planned: What the plan says.
        rows: Of each row its kind, how many suspects it has, and from how many of them encoders learn.
    """
    for name, made in (("pattern", planned.universal), ("views", planned.clusters), ("encoder", planned.contrastive)):
        try:
            made()
        except ValueError as problem:
            raise ValueError(f"ownership.{name}: {problem}") from None
    _check_examples(planned.examples)
    left = {"copy": 0, "unrelated": 0}
    taught = {"copy": 0, "unrelated": 0}
    for index, (kind, models, learnt) in enumerate(rows):
        if kind not in OWNERSHIP_SUSPECTS:
            raise ValueError(
                f"suspects[{index}].kind: whether {kind} is a copy is not known; choose one of "
                f"{', '.join(OWNERSHIP_SUSPECTS)}"
            )
        relation = OWNERSHIP_SUSPECTS[kind]
        taught[relation] += min(learnt, models)
        left[relation] += max(models - learnt, 0)
    if not all(taught.values()):
        raise ValueError(
            "suspects: an encoder learns from at least one copy and one unrelated model, and rows with learnt have "
            f"{taught['copy']} and {taught['unrelated']}"
        )
    needed = needed_references(planned.alpha) + 1
    if left["unrelated"] < needed:
        raise ValueError(
            f"ownership.alpha: {planned.alpha:g} needs {needed} unrelated models that no encoder learns from, one to "
            f"be judged and {needed - 1} to judge it by; the suspects have {left['unrelated']}"
        )
    if not left["copy"]:
        raise ValueError("suspects: no copy is left to be judged; encoders learn from all of them")


def _check_examples(examples: Sequence[PlannedExamples]) -> None:
    names = [one.name for one in examples]
    for index, one in enumerate(examples):
        try:
            one.build()
        except ValueError as problem:
            raise ValueError(f"ownership.examples[{index}]: {problem}") from None
        if names.index(one.name) < index:
            raise ValueError(f"ownership.examples: {one.name} stands there twice")
