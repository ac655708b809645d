"""A victim and what its ownership is tested with, each kept in the cache by content.

views      the victim's pattern, and the pictures that its outputs choose
encoder    separates copies from other models; trained on some suspects of a victim
examples   C-examples of one setting
border     points on the victim's boundary
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from modelprint.bench.locks import lock_entry
from modelprint.bench.ownership.border import border_points
from modelprint.bench.ownership.cache import AuxiliaryInput, entry_path, load_or_make_input
from modelprint.bench.ownership.plan import PlannedExamples, PlannedOwnership
from modelprint.bench.plan import PlannedRow
from modelprint.bench.suspects import Origin, PlannedSuspect, load_target, suspect_of_row
from modelprint.cache import content_key, load_or_make
from modelprint.errors import CraftingError
from modelprint.ownership import OWNERSHIP_SUSPECTS, Encoder, Relation, Responses, Views
from modelprint.work import Work

REVISION = 1
"""Raised whenever something here changes, so that old entries and observations are not found any more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Victim:
    """The model whose copies are looked for, and what its encoder is trained on.

    Attributes:
        origin: The target, as content.
        planned: What the plan says about ownership.
        seed: Of every random number.
        training: Rows of the plan with the seed of each suspect that the encoder is trained on.
    """

    origin: Origin
    planned: PlannedOwnership
    seed: int
    training: tuple[tuple[PlannedRow, int], ...]

    @property
    def views_key(self) -> str:
        """Content hash of pattern and views."""
        made = [asdict(self.planned.universal()), asdict(self.planned.clusters())]
        return content_key([REVISION, "views", self.origin.model, self.origin.data, made, self.seed])

    @property
    def encoder_key(self) -> str:
        """Content hash of the encoder."""
        trained = [[suspect.content, OWNERSHIP_SUSPECTS[suspect.kind]] for suspect in self.training_suspects()]
        return content_key([REVISION, "encoder", self.views_key, asdict(self.planned.contrastive()), trained])

    @property
    def border_key(self) -> str:
        """Content hash of the border points."""
        return content_key([REVISION, "border", self.origin.model, self.origin.data, self.planned.border, self.seed])

    def examples_key(self, examples: PlannedExamples) -> str:
        """Return the content hash of C-examples."""
        made = [asdict(examples.build()), examples.count, self.seed]
        return content_key([REVISION, "examples", self.origin.model, self.origin.data, made])

    def training_suspects(self) -> list[PlannedSuspect]:
        """Return the suspects that the encoder is trained on."""
        return [suspect_of_row(self.origin, row, seed) for row, seed in self.training]


def load_or_make_views(victim: Victim) -> AuxiliaryInput:
    """Return pattern and views."""

    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model, data = load_target(victim.origin.target)
        pattern = victim.planned.universal().craft(model, data, victim.seed, work)
        views = victim.planned.clusters().choose(model, data.train, pattern, victim.seed)
        facts = {
            "fooled": pattern.fooled,
            "tested": pattern.tested,
            "levels": int(abs(pattern.levels).max()),
            "views": len(views),
            "points": views.points,
            "questions": views.questions,
        }
        return views.tensors(), facts

    return load_or_make_input("views", victim.views_key, make)


def load_or_make_examples(victim: Victim, examples: PlannedExamples) -> AuxiliaryInput:
    """Return C-examples; none, with the problem in the facts, where the setting gives none."""

    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model = load_target(victim.origin.target)[0]
        settings = {"settings": asdict(examples.build()), "asked": examples.count}
        try:
            made = examples.build().craft(model, examples.count, victim.seed, work)
        except CraftingError as problem:  # a setting that gives nothing is a result
            nothing = {"pixels": torch.zeros(0, *model.image_shape, dtype=torch.uint8), "labels": torch.zeros(0).long()}
            return nothing, {**settings, "examples": 0, "problem": str(problem)}
        facts = {"examples": len(made), "missed": made.missed, "lost": made.lost, "converged": made.converged}
        return {"pixels": torch.from_numpy(made.pixels), "labels": made.labels}, {**settings, **facts}

    return load_or_make_input("examples", victim.examples_key(examples), make)


def load_or_make_border(victim: Victim) -> AuxiliaryInput:
    """Return border points."""

    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model, data = load_target(victim.origin.target)
        points = border_points(model, data.test, victim.planned.border, victim.seed)
        return {"points": points}, {"points": len(points), "asked": victim.planned.border}

    return load_or_make_input("border", victim.border_key, make)


def load_or_train_encoder(victim: Victim) -> Encoder:
    """Return the encoder of a victim; Busy when another process is training it."""
    path = entry_path("encoder", victim.encoder_key)
    if path.is_file():
        return load_or_make(path, Encoder.load, lambda: _train(victim), lambda one, to: one.save(to), log)
    with lock_entry(path.stem):
        return load_or_make(path, Encoder.load, lambda: _train(victim), lambda one, to: one.save(to), log)


def _train(victim: Victim) -> Encoder:
    views = Views.from_tensors(load_or_make_views(victim).tensors)
    sides: dict[Relation, list[Responses]] = {"copy": [], "unrelated": []}
    for suspect in victim.training_suspects():
        sides[OWNERSHIP_SUSPECTS[suspect.kind]].append(views.ask(suspect.load_or_make().classifier))
    encoder = victim.planned.contrastive()
    return encoder.fit(victim_responses(victim, views), sides["copy"], sides["unrelated"], victim.seed)


_responses: dict[tuple[str, str], Responses] = {}
"""Answers of victims to views, by model and digest of the views: every suspect is compared with the same."""


def victim_responses(victim: Victim, views: Views) -> Responses:
    """Return what the victim answers to views; asked once per process."""
    key = (victim.origin.model, views.digest)
    if key not in _responses:
        _responses[key] = views.ask(load_target(victim.origin.target)[0])
    return _responses[key]
