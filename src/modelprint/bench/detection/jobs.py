"""Jobs about detection: make a generator or a fingerprint, ask a suspect about fingerprints."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from modelprint.bench.detection.fingerprints import FingerprintRecipe, StoredFingerprint, answers, load_or_make
from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.outputs import LABEL, differences
from modelprint.bench.detection.plan import RandomSubsets
from modelprint.bench.detection.random_subsets import draw_subsets
from modelprint.bench.jobs import Done, capture_warnings
from modelprint.bench.locks import lock_entry
from modelprint.bench.plan import PlannedRow
from modelprint.bench.suspects import Origin, PlannedSuspect, load_target, suspect_of_row, usual_suspect
from modelprint.cache import cache_folder, content_key
from modelprint.engine import Job
from modelprint.generators.choice import GeneratorChoice
from modelprint.generators.store import generator_path, load_or_train_generator
from modelprint.tamperings import Suspect
from modelprint.tensors import Logits

REVISION = 2
"""Raised whenever the content of an observation changes, so that old ones are not mistaken for new ones.

2: other forms of answers than the label.
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One suspect, to be asked about some fingerprints.

    Attributes:
        plan: Name of the plan.
        scale: Name of the scale.
        origin: What the suspect is made from.
        row: The suspect's row in the plan.
        seed: Its seed.
        recipes: By the key of the observation to be: what it is asked about.
    """

    plan: str
    scale: str
    origin: Origin
    row: PlannedRow
    seed: int
    recipes: dict[str, FingerprintRecipe]

    @property
    def suspect(self) -> PlannedSuspect:
        """Who is asked."""
        return suspect_of_row(self.origin, self.row, self.seed)

    @property
    def reference(self) -> PlannedSuspect | None:
        """Whose labels count; None for those of the target."""
        return usual_suspect(self.origin, self.row.reference, 0) if self.row.reference else None

    def needed_suspects(self) -> list[PlannedSuspect]:
        """Return the suspect, and the one whose labels count."""
        return [one for one in (self.suspect, self.reference) if one is not None]

    def job(self) -> Job[Done["Observations"]]:
        """Return the job that asks."""
        return Job(
            key=f"observe-{content_key(sorted(self.recipes))}",
            label=f"observations of {self.row.kind}, seed {self.seed}",
            function=observe,
            arguments=(self,),
        )


def observation_key(suspect: PlannedSuspect, reference: str, recipe: FingerprintRecipe) -> str:
    """Return the content hash of a suspect, a fingerprint, and whose labels count."""
    origin = suspect.origin
    fingerprint = recipe.key(origin.model, origin.data)
    return content_key([REVISION, suspect.content, origin.model, origin.data, fingerprint, reference])


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What a job that asks returns.

    Attributes:
        lines: One for each fingerprint.
    """

    lines: tuple[Observation, ...]


@dataclass(frozen=True, kw_only=True)
class MadeFingerprint:
    """What a job that makes a fingerprint returns.

    Attributes:
        facts: How it was made; plain data.
        content: The bytes of the sealed file; none for samples in floats.
        random_subsets: Which samples of each random subset are asked first.
    """

    facts: dict[str, Any]
    content: bytes
    random_subsets: tuple[str, ...] = field(default=())


def generator_job(origin: Origin, generator: GeneratorChoice) -> Job[Done[None]]:
    """Return the job that trains a generator of images."""
    return Job(
        key=f"generator-{content_key([origin.data, asdict(generator)])}",
        label=f"generator {generator.name}, seed {generator.seed}",
        function=prepare_generator,
        arguments=(origin.target, generator),
    )


def prepare_generator(target: str, generator: GeneratorChoice) -> Done[None]:
    """Make sure that a generator of natural-looking images is in the cache."""
    data = load_target(target)[1]
    recipe = generator.build()
    path = generator_path(generator.name, recipe, data, generator.seed)
    with capture_warnings() as remarks:
        if not path.is_file():
            with lock_entry(path.stem):
                load_or_train_generator(generator.name, recipe, data, generator.seed)
    return Done(value=None, remarks=tuple(remarks))


def fingerprint_job(
    origin: Origin, recipe: FingerprintRecipe, subsets: RandomSubsets | None = None
) -> Job[Done[MadeFingerprint]]:
    """Return the job that makes a fingerprint."""
    return Job(
        key=f"fingerprint-{recipe.key(origin.model, origin.data)}",
        label=f"fingerprint {recipe.planned.name}",
        function=prepare_fingerprint,
        arguments=(origin.target, recipe, subsets),
    )


def prepare_fingerprint(
    target: str, recipe: FingerprintRecipe, subsets: RandomSubsets | None = None
) -> Done[MadeFingerprint]:
    """Make sure that a fingerprint is in the cache, and draw the random subsets that the plan asks for."""
    model, data = load_target(target)
    with capture_warnings() as remarks:
        stored = load_or_make(recipe, model, data)
        orders = draw_subsets(model, stored.images, subsets, recipe.seed) if subsets else []
    sealed = stored.content if recipe.planned.form == "8-bit" else b""
    made = MadeFingerprint(facts=stored.facts, content=sealed, random_subsets=tuple(orders))
    return Done(value=made, remarks=tuple(remarks), seconds=stored.seconds)


def observe(question: Question) -> Done[Observations]:
    """Ask a suspect about fingerprints."""
    target, planned = question.origin.target, question.reference
    with capture_warnings() as remarks:
        suspect = question.suspect.load_or_make()
        reference = planned.load_or_make() if planned else None
        found = []
        for key, recipe in question.recipes.items():
            stored = load_or_make(recipe, *load_target(target))
            expected = answers(reference.classifier, stored.images) if reference else _target_answers(target, stored)
            got = answers(suspect.classifier, stored.images)
            differing = differences(expected, got)
            # What was sealed counts, whatever a float machine of another kind answers now.
            labels = expected.argmax(1) if reference else stored.labels
            differing[LABEL] = got.argmax(1) != labels
            bits = {name: "".join("01"[wrong] for wrong in differ.tolist()) for name, differ in differing.items()}
            found.append(_observation(key, question, suspect, recipe, stored, bits))
    return Done(value=Observations(lines=tuple(found)), remarks=tuple(remarks))


_answers_of_targets: dict[tuple[str, str, str], Logits] = {}
"""Answers of targets to fingerprints, by target, cache folder and content: the same for every suspect."""


def _target_answers(target: str, stored: StoredFingerprint) -> Logits:
    key = (target, str(cache_folder()), hashlib.sha256(stored.content).hexdigest())
    if key not in _answers_of_targets:
        _answers_of_targets[key] = answers(load_target(target)[0], stored.images)
    return _answers_of_targets[key]


def _observation(
    key: str,
    question: Question,
    suspect: Suspect,
    recipe: FingerprintRecipe,
    stored: StoredFingerprint,
    bits: Mapping[str, str],
) -> Observation:
    row, planned = question.row, recipe.planned
    return Observation(
        key=key,
        plan=question.plan,
        scale=question.scale,
        target=question.origin.target,
        row=row.row,
        kind=row.kind,
        seed=suspect.seed,
        settings=dict(suspect.settings),
        # A suspect that was not trained has no mode, whatever its settings would have said.
        batch_norm=str(suspect.settings.get("batch_norm", "")) if suspect.steps else "",
        control=row.control,
        goal=suspect.goal,
        goal_value=suspect.goal_value,
        goal_reached=suspect.goal_reached,
        steps=suspect.steps,
        notes=suspect.notes,
        movement=asdict(suspect.movement),
        fingerprint=planned.name,
        method=planned.method,
        form=planned.form,
        samples=len(stored.labels),
        mismatched=bits[LABEL],
        outputs={name: differing for name, differing in bits.items() if name != LABEL},
        orders=stored.orders,
        reference=row.reference,
    )
