"""Jobs about ownership: make what suspects are tested with, and test one suspect with all of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.bench.jobs import Done, capture_warnings
from modelprint.bench.ownership.border import gaps_at
from modelprint.bench.ownership.cache import AuxiliaryInput
from modelprint.bench.ownership.observation import MATCHED, OWN, PLAIN, SIBLING, OwnershipObservation
from modelprint.bench.ownership.plan import PlannedExamples
from modelprint.bench.ownership.victim import (
    REVISION,
    Victim,
    load_or_make_border,
    load_or_make_examples,
    load_or_make_views,
    load_or_train_encoder,
    victim_responses,
)
from modelprint.bench.plan import PlannedRow
from modelprint.bench.suspects import Origin, PlannedSuspect, suspect_of_row
from modelprint.cache import content_key
from modelprint.classifier import Classifier
from modelprint.engine import Job
from modelprint.ownership import OWNERSHIP_SUSPECTS, Encoder, Responses, Views, similarities
from modelprint.streams import stream
from modelprint.tamperings import Suspect
from modelprint.tensors import to_images

SHOWN_VIEWS = 4
"""Views of each model whose representations are kept for the maps."""
PROJECTED = 50
"""Numbers that the responses of a view are projected to for the maps."""


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One suspect, to be tested with everything.

    Attributes:
        plan: Name of the plan.
        scale: Name of the scale.
        victim: Whose copy it may be.
        sibling: Whose encoder is tried as well; None for none.
        row: The suspect's row in the plan.
        seed: Its seed.
        in_training: Whether the victim's encoder is trained on it.
        maker: Whose copy it is, where that is known to be another victim; None where it is made from this one.
    """

    plan: str
    scale: str
    victim: Victim
    sibling: Victim | None
    row: PlannedRow
    seed: int
    in_training: bool
    maker: Origin | None = None

    @property
    def suspect(self) -> PlannedSuspect:
        """Who is tested."""
        return suspect_of_row(self.maker or self.victim.origin, self.row, self.seed)

    @property
    def key(self) -> str:
        """Content hash of the suspect and all it is tested with."""
        victim = self.victim
        named = {one.name: victim.examples_key(one) for one in victim.planned.examples}
        border = victim.border_key if victim.planned.border else ""
        other = [self.sibling.encoder_key, MATCHED] if self.sibling else ""
        tests = [victim.encoder_key, other, border, named]
        suspect = [*self.suspect.content, *([self.maker.model, self.maker.data] if self.maker else [])]
        return content_key([REVISION, suspect, tests, self.in_training, self.row.control])

    def job(self) -> Job[Done[OwnershipObservation]]:
        """Return the job that tests the suspect."""
        maker = f" of {self.maker.target}" if self.maker else ""
        return Job(
            key=f"examine-{self.key}",
            label=f"ownership of {self.row.kind}{maker}, seed {self.seed}",
            function=examine,
            arguments=(self,),
        )


@dataclass(frozen=True, kw_only=True)
class MadeInput:
    """What a job that makes an auxiliary input returns.

    Attributes:
        facts: How it was made and what came of it; plain data.
    """

    facts: dict[str, Any]


def views_job(victim: Victim) -> Job[Done[MadeInput]]:
    """Return the job that makes pattern and views."""
    label = f"pattern and views of {victim.origin.target}"
    return Job(key=f"views-{victim.views_key}", label=label, function=prepare_views, arguments=(victim,))


def examples_job(victim: Victim, examples: PlannedExamples) -> Job[Done[MadeInput]]:
    """Return the job that makes C-examples."""
    key = f"examples-{victim.examples_key(examples)}"
    return Job(key=key, label=f"c-examples {examples.name}", function=prepare_examples, arguments=(victim, examples))


def border_job(victim: Victim) -> Job[Done[MadeInput]]:
    """Return the job that finds border points."""
    return Job(key=f"border-{victim.border_key}", label="border points", function=prepare_border, arguments=(victim,))


def encoder_job(victim: Victim) -> Job[Done[MadeInput]]:
    """Return the job that trains the encoder."""
    label = f"encoder of {victim.origin.target}"
    return Job(key=f"encoder-{victim.encoder_key}", label=label, function=prepare_encoder, arguments=(victim,))


def prepare_views(victim: Victim) -> Done[MadeInput]:
    """Make sure that pattern and views are in the cache."""
    return _prepare(lambda: load_or_make_views(victim))


def prepare_examples(victim: Victim, examples: PlannedExamples) -> Done[MadeInput]:
    """Make sure that C-examples are in the cache."""
    return _prepare(lambda: load_or_make_examples(victim, examples))


def prepare_border(victim: Victim) -> Done[MadeInput]:
    """Make sure that border points are in the cache."""
    return _prepare(lambda: load_or_make_border(victim))


def _prepare(make: Callable[[], AuxiliaryInput]) -> Done[MadeInput]:
    with capture_warnings() as remarks:
        made = make()
    return Done(value=MadeInput(facts=made.facts), remarks=tuple(remarks), seconds=made.seconds)


def prepare_encoder(victim: Victim) -> Done[MadeInput]:
    """Make sure that the encoder is in the cache."""
    with capture_warnings() as remarks:
        encoder = load_or_train_encoder(victim)
    facts = {"models": len(encoder.seen), **asdict(encoder.settings)}
    return Done(value=MadeInput(facts=facts), remarks=tuple(remarks))


def examine(asked: Examination) -> Done[OwnershipObservation]:
    """Test a suspect with everything."""
    victim = asked.victim
    with capture_warnings() as remarks:
        suspect = asked.suspect.load_or_make()
        compared = _compare(asked, suspect.classifier)
        observation = _observation(
            asked,
            suspect,
            similarities={by: _round(similarities(*one), 6) for by, one in compared.items()},
            codes={by: _codes(theirs, encoder, victim.seed) for by, (_, theirs, encoder) in compared.items()},
            kept={one.name: _count_kept(suspect.classifier, victim, one) for one in victim.planned.examples},
            gaps=_gaps(suspect.classifier, victim),
        )
    return Done(value=observation, remarks=tuple(remarks))


def _compare(asked: Examination, suspect: Classifier) -> dict[str, tuple[Responses, Responses, Encoder | None]]:
    """Return what the victim and the suspect answered, and the encoder of both, by the names of the comparisons."""
    victim, sibling = asked.victim, asked.sibling
    views = Views.from_tensors(load_or_make_views(victim).tensors)
    both = victim_responses(victim, views), views.ask(suspect)
    compared: dict[str, tuple[Responses, Responses, Encoder | None]]
    compared = {PLAIN: (*both, None), OWN: (*both, load_or_train_encoder(victim))}
    if sibling is None:
        return compared
    points = replace(Views.from_tensors(load_or_make_views(sibling).tensors), perturbation=views.perturbation)
    encoder = load_or_train_encoder(sibling)
    matched = victim_responses(victim, points), points.ask(suspect), encoder
    return {**compared, SIBLING: (*both, encoder), MATCHED: matched}


def _observation(asked: Examination, suspect: Suspect, **found: Any) -> OwnershipObservation:
    row = asked.row
    return OwnershipObservation(
        key=asked.key,
        plan=asked.plan,
        scale=asked.scale,
        target=asked.victim.origin.target,
        row=row.row,
        kind=row.kind,
        seed=suspect.seed,
        settings=dict(suspect.settings),
        relation="unrelated" if asked.maker else OWNERSHIP_SUSPECTS[row.kind],
        in_training=asked.in_training,
        maker=asked.maker.target if asked.maker else "",
        control=row.control,
        goal_value=suspect.goal_value,
        goal_reached=suspect.goal_reached,
        notes=suspect.notes,
        accuracy=round(suspect.movement.accuracy_after, 6),
        agreement=round(1 - suspect.movement.labels_changed, 6),
        digest=suspect.classifier.digest(),
        **found,
    )


def _codes(responses: Responses, encoder: Encoder | None, seed: int) -> list[list[float]]:
    """Return the first views' representations, or random projections of what was answered."""
    if encoder is None:
        first = responses.values[:SHOWN_VIEWS]
        weights = torch.randn(first.shape[1], PROJECTED, generator=stream(seed, "projection"))
        return [_round(row, 4) for row in first @ weights / PROJECTED**0.5]
    return [_round(row, 4) for row in encoder.encode(responses)[:SHOWN_VIEWS]]


def _count_kept(suspect: Classifier, victim: Victim, examples: PlannedExamples) -> int:
    """Return how many C-examples get the label they were made for."""
    tensors = load_or_make_examples(victim, examples).tensors
    if not len(tensors["labels"]):
        return 0
    return int((suspect.labels(to_images(tensors["pixels"].numpy())) == tensors["labels"]).sum())


def _gaps(suspect: Classifier, victim: Victim) -> list[float]:
    """Return the gap of the two largest probabilities at each border point; none where the plan has no such points."""
    if not victim.planned.border:
        return []
    return _round(gaps_at(suspect, load_or_make_border(victim).tensors["points"]), 6)


def _round(values: Float[Tensor, " _"], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values.tolist()]
