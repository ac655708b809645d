"""What a plan says about ownership: how pattern, views, encoder and C-examples are made, and the error rates.

    [ownership]
    alpha = 0.05
    sibling = "fashion-lenet5-half-2"
    pattern = { radius = 40 }
    views = { points = 200, views = 50 }
    examples = [{ name = "vanilla", variant = "vanilla" }]

Suspects are the rows of the plan. Encoders are trained on the first `training` suspects of each row.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from modelprint.bench.plan import STRICT, KeyNamed, Name, Plan, PlanPart, Settings, check_known
from modelprint.bench.targets import TARGETS
from modelprint.ownership import (
    OWNERSHIP_SUSPECTS,
    VARIANTS,
    CExamples,
    Clusters,
    Contrastive,
    Relation,
    Universal,
    needed_references,
)
from modelprint.settings import build

Rate = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlannedExamples:
    """C-examples of one setting.

    Attributes:
        name: What tables call them.
        variant: A name in VARIANTS.
        settings: Settings that differ from those of the variant.
        count: Examples to begin.
    """

    name: Name
    variant: str = "vanilla"
    settings: Settings = Field(default_factory=dict)
    count: Annotated[int, Field(ge=1, le=10_000)] = 100

    def build(self) -> CExamples:
        """Return the settings; ValueError names a wrong one."""
        return build(VARIANTS, self.variant, self.settings)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PlannedOwnership:
    """How ownership is asked for.

    Attributes:
        alpha: Largest probability of calling an unrelated model a copy.
        beta: Largest probability of calling a copy unrelated.
        sibling: Another victim, a name in TARGETS, whose encoder is tried on this one; empty for none. It is trained on
            the same rows, made of the sibling.
        pattern: Settings of the perturbation that differ from the usual ones.
        views: Settings of points and views, likewise.
        encoder: Settings of the encoder, likewise.
        border: Pairs of test images between which a border point is looked for; 0: none.
        examples: C-examples, in the order of the tables.
    """

    alpha: Rate = 0.05
    beta: Rate = 0.1
    sibling: str = ""
    pattern: Settings = Field(default_factory=dict)
    views: Settings = Field(default_factory=dict)
    encoder: Settings = Field(default_factory=dict)
    border: Annotated[int, Field(ge=0, le=10_000)] = 200
    examples: tuple[PlannedExamples, ...] = ()

    def universal(self) -> Universal:
        """Return how the pattern is made; ValueError names a wrong setting."""
        return build({"pattern": Universal}, "pattern", self.pattern)

    def clusters(self) -> Clusters:
        """Return how views are chosen; ValueError names a wrong setting."""
        return build({"views": Clusters}, "views", self.views)

    def contrastive(self) -> Contrastive:
        """Return how the encoder is made; ValueError names a wrong setting."""
        return build({"encoder": Contrastive}, "encoder", self.encoder)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OwnershipPart:
    """The part of a plan about ownership.

    Attributes:
        ownership: None where the plan does not ask for it.
    """

    ownership: PlannedOwnership | None = None

    def check(self, plan: Plan) -> None:
        """Raise ValueError, naming the key, where this part does not fit the suspects of the plan."""
        if self.ownership is None:
            trained = next((index for index, row in enumerate(plan.suspects) if row.training), None)
            if trained is not None:
                raise ValueError(f"suspects[{trained}].training: no encoder is trained, the plan has no ownership")
            return
        if self.ownership.sibling:
            check_known("ownership.sibling", self.ownership.sibling, TARGETS)
        _check(self.ownership, plan)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OwnershipScale:
    """What a scale makes of the part about ownership.

    Attributes:
        ownership: In place of the plan's.
    """

    ownership: PlannedOwnership | None = None

    def apply(self, part: PlanPart, place: str) -> PlanPart:
        """Return the part at this scale."""
        return part if self.ownership is None else OwnershipPart(ownership=self.ownership)


def _check(planned: PlannedOwnership, plan: Plan) -> None:
    """Raise ValueError, naming the key, where a setting is wrong or the suspects are too few."""
    for name, made in (("pattern", planned.universal), ("views", planned.clusters), ("encoder", planned.contrastive)):
        with KeyNamed(f"ownership.{name}"):
            made()
    _check_examples(planned.examples)
    trained, left = _count_suspects(plan)
    if not all(trained.values()):
        raise ValueError(
            "suspects: an encoder is trained on at least one copy and one unrelated model, and the training models of "
            f"the rows are {trained['copy']} and {trained['unrelated']}"
        )
    needed = needed_references(planned.alpha) + 1
    if left["unrelated"] < needed:
        raise ValueError(
            f"ownership.alpha: {planned.alpha:g} needs {needed} unrelated models that no encoder is trained on, one to "
            f"be judged and {needed - 1} to judge it by; the suspects have {left['unrelated']}"
        )
    if not left["copy"]:
        raise ValueError("suspects: no copy is left to be judged; encoders are trained on all of them")


def _count_suspects(plan: Plan) -> tuple[dict[Relation, int], dict[Relation, int]]:
    """Return by relation how many suspects encoders are trained on, and how many are left to be judged."""
    trained: dict[Relation, int] = {"copy": 0, "unrelated": 0}
    left: dict[Relation, int] = {"copy": 0, "unrelated": 0}
    for index, row in enumerate(plan.suspects):
        if row.kind not in OWNERSHIP_SUSPECTS:
            raise ValueError(
                f"suspects[{index}].kind: whether {row.kind} is a copy is not known; choose one of "
                f"{', '.join(OWNERSHIP_SUSPECTS)}"
            )
        relation, models = OWNERSHIP_SUSPECTS[row.kind], len(plan.seeds_of(row))
        trained[relation] += min(row.training, models)
        left[relation] += max(models - row.training, 0)
    return trained, left


def _check_examples(examples: Sequence[PlannedExamples]) -> None:
    names = [one.name for one in examples]
    for index, one in enumerate(examples):
        with KeyNamed(f"ownership.examples[{index}]"):
            one.build()
        if names.index(one.name) < index:
            raise ValueError(f"ownership.examples: {one.name} stands there twice")
