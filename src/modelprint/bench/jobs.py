"""What workers do for a benchmark: functions of names, settings and seeds alone, so any process can compute them.

Each finds in the cache what others have made. What it makes itself it makes under a lock, and raises Busy when another
process holds that.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from modelprint.bench.bags import bag_orders
from modelprint.bench.fingerprints import Pool, Recipe, answers, content_hash, stored_pool
from modelprint.bench.locks import locked
from modelprint.bench.observation import Observation
from modelprint.bench.outputs import LABEL, differences
from modelprint.bench.plan import Bags, PlannedGenerator, PlannedRow
from modelprint.bench.targets import TARGETS, target_model
from modelprint.cache import cache_folder
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.engine import Job
from modelprint.fast.known import accuracy_on
from modelprint.generators.store import generator_path, load_or_train_generator
from modelprint.settings import build
from modelprint.tamperings import SUITE, Suspect, Tampering
from modelprint.tamperings.store import REVISION as SUSPECTS_REVISION
from modelprint.tamperings.store import load_or_make_suspect, suspect_path
from modelprint.tensors import Logits

REVISION = 2
"""Raised whenever an observation holds something else than before, so that old ones are not taken for new ones.

2: other forms of answers than the label.
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a job sends back.

    Attributes:
        value: What it was asked for; plain data.
        remarks: What its log has to tell, e.g. of a damaged entry of the cache.
        seconds: How long it took to make, perhaps in an earlier run.
    """

    value: Any = None
    remarks: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What observations are about, as content: equal digests give equal observations.

    Attributes:
        target: Name of the target.
        model: SHA-256 of its weights.
        data: SHA-256 of its data set.
    """

    target: str
    model: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """One suspect, to be asked about some fingerprints.

    Attributes:
        plan: Name of the plan.
        scale: Name of the scale.
        target: Name of the target.
        row: The suspect's row in the plan.
        seed: Its seed.
        recipes: By the key of the observation to be: what it is asked about.
    """

    plan: str
    scale: str
    target: str
    row: PlannedRow
    seed: int
    recipes: dict[str, Recipe]


def observation_key(origin: Origin, row: PlannedRow, seed: int, recipe: Recipe) -> str:
    """Return the content hash of a suspect, a fingerprint, and whose labels count."""
    fingerprint = recipe.key(origin.model, origin.data)
    return content_hash([REVISION, suspect_content(row, seed), origin.model, origin.data, fingerprint, row.reference])


def suspect_content(row: PlannedRow, seed: int) -> list[object]:
    """Return all that a suspect follows from, beside the target and its data."""
    tampering = row.build()
    return [SUSPECTS_REVISION, row.kind, type(tampering).__name__, asdict(tampering), seed]  # type: ignore[call-overload]


def suspect_job(what: str, origin: Origin, kind: str, settings: dict[str, str], seed: int) -> Job:
    """Return the job that makes a suspect; `what` is the first word of its label."""
    inputs = [origin.model, origin.data, kind, sorted(settings.items()), seed]
    return Job(
        key=f"suspect-{digest_of(inputs)}",
        label=f"{what} {kind}, seed {seed}",
        function=prepare_suspect,
        arguments=(origin.target, kind, settings, seed),
    )


def digest_of(inputs: object) -> str:
    """Return twenty hexadecimal digits for the key of a job."""
    return hashlib.sha256(repr(inputs).encode()).hexdigest()[:20]


def look_at_target(name: str, known: str) -> Done:
    """Return what there is to say about a target; its accuracy only when its weights are not the `known` ones."""
    with capture_warnings() as remarks:
        model, data = loaded_target(name)
        facts: dict[str, Any] = {
            "name": name,
            "network": TARGETS[name].network,
            "data": TARGETS[name].data,
            "model_sha256": model.digest(),
            "data_sha256": data.digest,
            "class_count": model.class_count,
            "train_images": len(data.train),
            "test_images": len(data.test),
        }
        if facts["model_sha256"] != known:
            facts["accuracy"] = accuracy_on(model, data.test)
    return Done(value=facts, remarks=tuple(remarks))


def prepare_suspect(target: str, kind: str, settings: dict[str, str], seed: int) -> Done:
    """See to it that a suspect is in the cache."""
    with capture_warnings() as remarks:
        suspect = made_suspect(target, kind, build(SUITE, kind, settings), seed)
    return Done(remarks=tuple(remarks), seconds=suspect.seconds)


def prepare_generator(target: str, generator: PlannedGenerator) -> Done:
    """See to it that a generator of natural-looking images is in the cache."""
    data = loaded_target(target)[1]
    recipe = generator.build()
    path = generator_path(generator.name, recipe, data, generator.seed)
    with capture_warnings() as remarks:
        if not path.is_file():
            with locked(path.stem):
                load_or_train_generator(generator.name, recipe, data, generator.seed)
    return Done(remarks=tuple(remarks))


def prepare_fingerprint(target: str, recipe: Recipe, bags: Bags | None = None) -> Done:
    """See to it that a fingerprint is in the cache.

    Returns its facts, of a sealed one the bytes of the file, and, where the plan asks for `bags`, in which order the
    samples of each are asked.
    """
    model, data = loaded_target(target)
    with capture_warnings() as remarks:
        pool = stored_pool(recipe, model, data)
        orders = bag_orders(model, pool.images, bags, recipe.seed) if bags else []
    sealed = pool.content if recipe.planned.form == "8-bit" else b""
    value = {"facts": pool.facts, "content": sealed, "bags": orders}
    return Done(value=value, remarks=tuple(remarks), seconds=pool.seconds)


def observe(question: Question) -> Done:
    """Ask a suspect about fingerprints; returns the observations."""
    row, target = question.row, question.target
    with capture_warnings() as remarks:
        suspect = made_suspect(target, row.kind, row.build(), question.seed)
        reference = made_suspect(target, row.reference, build(SUITE, row.reference), 0) if row.reference else None
        found = []
        for key, recipe in question.recipes.items():
            pool = stored_pool(recipe, *loaded_target(target))
            expected = answers(reference.classifier, pool.images) if reference else _answers_of_target(target, pool)
            got = answers(suspect.classifier, pool.images)
            seen = differences(expected, got)
            # What was sealed counts, whatever a float machine of another kind says now.
            labels = expected.argmax(1) if reference else pool.labels
            seen[LABEL] = got.argmax(1) != labels
            bits = {name: "".join("01"[wrong] for wrong in differ.tolist()) for name, differ in seen.items()}
            found.append(_observation(key, question, suspect, recipe, pool, bits))
    return Done(value=found, remarks=tuple(remarks))


_of_targets: dict[tuple[str, str, str], Logits] = {}
"""What targets say to pools, by target, cache folder and content: every suspect is held against the same answers."""


def _answers_of_target(target: str, pool: Pool) -> Logits:
    key = (target, str(cache_folder()), hashlib.sha256(pool.content).hexdigest())
    if key not in _of_targets:
        _of_targets[key] = answers(loaded_target(target)[0], pool.images)
    return _of_targets[key]


def _observation(
    key: str, question: Question, suspect: Suspect, recipe: Recipe, pool: Pool, bits: Mapping[str, str]
) -> Observation:
    row, planned = question.row, recipe.planned
    return Observation(
        key=key,
        plan=question.plan,
        scale=question.scale,
        target=question.target,
        row=row.row,
        kind=row.kind,
        seed=suspect.seed,
        settings=dict(suspect.settings),
        # A suspect that learnt nothing has no mode, whatever its settings would have said.
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
        samples=len(pool.labels),
        mismatched=bits[LABEL],
        outputs={name: differing for name, differing in bits.items() if name != LABEL},
        orders=pool.orders,
        reference=row.reference,
    )


def loaded_target(name: str) -> tuple[Classifier, DataSet]:
    """Return a target; loaded once per process and cache folder, as long as no other one is asked for."""
    return _loaded(name, str(cache_folder()))


@lru_cache(maxsize=1)
def _loaded(name: str, cache: str) -> tuple[Classifier, DataSet]:
    return target_model(TARGETS[name])


def made_suspect(target: str, kind: str, tampering: Tampering, seed: int) -> Suspect:
    """Return a suspect from the cache, or make it; Busy when another process is making it."""
    model, data = loaded_target(target)
    path = suspect_path(kind, tampering, model, data, seed)
    if path.is_file():
        return load_or_make_suspect(kind, tampering, model, data, seed)
    with locked(path.stem):
        return load_or_make_suspect(kind, tampering, model, data, seed)


class _Collector(logging.Handler):
    """Keeps the messages of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message, once."""
        if record.getMessage() not in self.messages:
            self.messages.append(record.getMessage())


@contextmanager
def capture_warnings() -> Iterator[list[str]]:
    """Collect what this package logs as a warning while the block runs, in place of printing it."""
    logger, collector = logging.getLogger("modelprint"), _Collector()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
