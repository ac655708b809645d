"""What workers do for the study of ownership: functions of content hashes and seeds alone, as the benchmark's others.

    views      the victim's pattern, and the pictures that its outputs choose
    encoder    what tells copies from others, learnt from some suspects of a victim
    examples   C-examples of one setting
    border     points on the victim's boundary

Each is kept in the cache by content; `examine` asks one suspect all of it.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from modelprint.bench.fingerprints import content_hash
from modelprint.bench.jobs import Done, Origin, capture_warnings, loaded_target, made_suspect, suspect_content
from modelprint.bench.locks import locked
from modelprint.bench.ownership.border import border_points, gaps_at
from modelprint.bench.ownership.finding import MATCHED, OWN, PLAIN, SIBLING, Finding
from modelprint.bench.ownership.plan import PlannedExamples, PlannedOwnership
from modelprint.bench.plan import PlannedRow
from modelprint.bench.spent import Spent
from modelprint.cache import cache_folder, load_or_make, write_atomically
from modelprint.classifier import Classifier
from modelprint.errors import CraftingError, LoadingError
from modelprint.loading import read_weights
from modelprint.ownership import OWNERSHIP_SUSPECTS, Encoder, Relation, Responses, Views, similarities
from modelprint.streams import stream
from modelprint.tamperings import Suspect
from modelprint.tensors import to_images
from modelprint.work import Work

REVISION = 1
"""Raised whenever something here changes, so that old entries and findings are not found any more."""

SHOWN_VIEWS = 4
"""Views of each model whose representations are kept for the maps."""
PROJECTED = 50
"""Numbers that the responses of a view are projected to for the maps."""
FACTS = "facts"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Victim:
    """Whose copies are looked for, and what its encoder learns from.

    Attributes:
        origin: The target, as content.
        planned: What the plan says about ownership.
        seed: Of every random number.
        learners: Rows of the plan with the seed of each suspect that the encoder learns from.
    """

    origin: Origin
    planned: PlannedOwnership
    seed: int
    learners: tuple[tuple[PlannedRow, int], ...]

    @property
    def views_key(self) -> str:
        """Content hash of pattern and views."""
        made = [asdict(self.planned.universal()), asdict(self.planned.clusters())]
        return content_hash([REVISION, "views", self.origin.model, self.origin.data, made, self.seed])

    @property
    def encoder_key(self) -> str:
        """Content hash of the encoder."""
        learnt = [[suspect_content(row, seed), OWNERSHIP_SUSPECTS[row.kind]] for row, seed in self.learners]
        return content_hash([REVISION, "encoder", self.views_key, asdict(self.planned.contrastive()), learnt])

    @property
    def border_key(self) -> str:
        """Content hash of the border points."""
        return content_hash([REVISION, "border", self.origin.model, self.origin.data, self.planned.border, self.seed])

    def examples_key(self, examples: PlannedExamples) -> str:
        """Return the content hash of C-examples."""
        made = [asdict(examples.build()), examples.count, self.seed]
        return content_hash([REVISION, "examples", self.origin.model, self.origin.data, made])


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One suspect, to be asked everything.

    Attributes:
        plan: Name of the plan.
        scale: Name of the scale.
        victim: Whose copy it may be.
        sibling: Whose encoder is tried as well; None for none.
        row: The suspect's row in the plan.
        seed: Its seed.
        learnt: Whether the victim's encoder learns from it.
        maker: Whose copy it is, where that is known to be another victim; None where it is made from this one.
    """

    plan: str
    scale: str
    victim: Victim
    sibling: Victim | None
    row: PlannedRow
    seed: int
    learnt: bool
    maker: Origin | None = None

    @property
    def made_from(self) -> Origin:
        """The target that the suspect is made from."""
        return self.maker or self.victim.origin

    @property
    def key(self) -> str:
        """Content hash of the suspect and all it is asked."""
        victim = self.victim
        named = {one.name: victim.examples_key(one) for one in victim.planned.examples}
        border = victim.border_key if victim.planned.border else ""
        other = [self.sibling.encoder_key, MATCHED] if self.sibling else ""
        asked = [victim.encoder_key, other, border, named]
        suspect = [*suspect_content(self.row, self.seed), *([self.maker.model, self.maker.data] if self.maker else [])]
        return content_hash([REVISION, suspect, asked, self.learnt, self.row.control])


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """Something that suspects are asked with.

    Attributes:
        tensors: By name.
        facts: What became of it; plain data.
        seconds: Seconds of the processor that it took, those of interrupted calls too.
    """

    tensors: Mapping[str, Tensor]
    facts: dict[str, Any]
    seconds: float


def prepare_views(victim: Victim) -> Done:
    """See to it that pattern and views are in the cache; returns their facts."""
    with capture_warnings() as remarks:
        piece = _views_piece(victim)
    return Done(value=piece.facts, remarks=tuple(remarks), seconds=piece.seconds)


def prepare_examples(victim: Victim, examples: PlannedExamples) -> Done:
    """See to it that C-examples are in the cache; returns their facts."""
    with capture_warnings() as remarks:
        piece = _examples_piece(victim, examples)
    return Done(value=piece.facts, remarks=tuple(remarks), seconds=piece.seconds)


def prepare_border(victim: Victim) -> Done:
    """See to it that border points are in the cache; returns their facts."""
    with capture_warnings() as remarks:
        piece = _border_piece(victim)
    return Done(value=piece.facts, remarks=tuple(remarks), seconds=piece.seconds)


def prepare_encoder(victim: Victim) -> Done:
    """See to it that the encoder is in the cache; returns how many models it has seen."""
    with capture_warnings() as remarks:
        encoder = _encoder(victim)
    return Done(value={"models": len(encoder.seen), **asdict(encoder.settings)}, remarks=tuple(remarks))


def examine(asked: Examination) -> Done:
    """Ask a suspect everything; returns the finding."""
    victim, row = asked.victim, asked.row
    with capture_warnings() as remarks:
        suspect = made_suspect(asked.made_from.target, row.kind, row.build(), asked.seed)
        compared = _compared(asked, suspect.classifier)
        gaps = gaps_at(suspect.classifier, _border_piece(victim).tensors["points"]) if victim.planned.border else None
        finding = _finding(
            asked,
            suspect,
            similarities={by: _rounded(similarities(*one), 6) for by, one in compared.items()},
            codes={by: _codes(theirs, encoder, victim.seed) for by, (_, theirs, encoder) in compared.items()},
            kept={one.name: _kept(suspect.classifier, victim, one) for one in victim.planned.examples},
            gaps=[] if gaps is None else _rounded(gaps, 6),
        )
    return Done(value=finding, remarks=tuple(remarks))


def _compared(asked: Examination, suspect: Classifier) -> dict[str, tuple[Responses, Responses, Encoder | None]]:
    """Return what the victim and the suspect answered, and the encoder of both, by the names of the comparisons."""
    victim, sibling = asked.victim, asked.sibling
    views = Views.from_tensors(_views_piece(victim).tensors)
    both = _of_victim(victim, views), views.ask(suspect)
    compared: dict[str, tuple[Responses, Responses, Encoder | None]]
    compared = {PLAIN: (*both, None), OWN: (*both, _encoder(victim))}
    if sibling is None:
        return compared
    points = replace(Views.from_tensors(_views_piece(sibling).tensors), perturbation=views.perturbation)
    encoder = _encoder(sibling)
    matched = _of_victim(victim, points), points.ask(suspect), encoder
    return {**compared, SIBLING: (*both, encoder), MATCHED: matched}


_of_victims: dict[tuple[str, str], Responses] = {}
"""What victims answer to views, by model and digest of the views: every suspect is compared with the same."""


def _of_victim(victim: Victim, views: Views) -> Responses:
    key = (victim.origin.model, views.digest)
    if key not in _of_victims:
        _of_victims[key] = views.ask(loaded_target(victim.origin.target)[0])
    return _of_victims[key]


def _finding(asked: Examination, suspect: Suspect, **found: Any) -> Finding:
    row = asked.row
    return Finding(
        key=asked.key,
        plan=asked.plan,
        scale=asked.scale,
        target=asked.victim.origin.target,
        row=row.row,
        kind=row.kind,
        seed=suspect.seed,
        settings=dict(suspect.settings),
        relation="unrelated" if asked.maker else OWNERSHIP_SUSPECTS[row.kind],
        learnt=asked.learnt,
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
        return [_rounded(row, 4) for row in first @ weights / PROJECTED**0.5]
    return [_rounded(row, 4) for row in encoder.encode(responses)[:SHOWN_VIEWS]]


def _kept(suspect: Classifier, victim: Victim, examples: PlannedExamples) -> int:
    tensors = _examples_piece(victim, examples).tensors
    if not len(tensors["labels"]):
        return 0
    return int((suspect.labels(to_images(tensors["pixels"].numpy())) == tensors["labels"]).sum())


def _rounded(values: Float[Tensor, " _"], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values.tolist()]


def _views_piece(victim: Victim) -> Piece:
    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model, data = loaded_target(victim.origin.target)
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

    return _piece("views", victim.views_key, make)


def _examples_piece(victim: Victim, examples: PlannedExamples) -> Piece:
    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model = loaded_target(victim.origin.target)[0]
        settings = {"settings": asdict(examples.build()), "asked": examples.count}
        try:
            made = examples.build().craft(model, examples.count, victim.seed, work)
        except CraftingError as problem:  # a setting that gives nothing is a result
            nothing = {"pixels": torch.zeros(0, *model.image_shape, dtype=torch.uint8), "labels": torch.zeros(0).long()}
            return nothing, {**settings, "examples": 0, "problem": str(problem)}
        facts = {"examples": len(made), "missed": made.missed, "lost": made.lost, "converged": made.converged}
        return {"pixels": torch.from_numpy(made.pixels), "labels": made.labels}, {**settings, **facts}

    return _piece("examples", victim.examples_key(examples), make)


def _border_piece(victim: Victim) -> Piece:
    def make(work: Work) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
        model, data = loaded_target(victim.origin.target)
        points = border_points(model, data.test, victim.planned.border, victim.seed)
        return {"points": points}, {"points": len(points), "asked": victim.planned.border}

    return _piece("border", victim.border_key, make)


def _encoder(victim: Victim) -> Encoder:
    path = _path("encoder", victim.encoder_key)
    if path.is_file():
        return load_or_make(path, Encoder.load, lambda: _learnt(victim), lambda one, to: one.save(to), log)
    with locked(path.stem):
        return load_or_make(path, Encoder.load, lambda: _learnt(victim), lambda one, to: one.save(to), log)


def _learnt(victim: Victim) -> Encoder:
    target = victim.origin.target
    views = Views.from_tensors(_views_piece(victim).tensors)
    sides: dict[Relation, list[Responses]] = {"copy": [], "unrelated": []}
    for row, seed in victim.learners:
        suspect = made_suspect(target, row.kind, row.build(), seed)
        sides[OWNERSHIP_SUSPECTS[row.kind]].append(views.ask(suspect.classifier))
    return victim.planned.contrastive().fit(_of_victim(victim, views), sides["copy"], sides["unrelated"], victim.seed)


def _path(name: str, key: str) -> Path:
    return cache_folder() / "bench" / "ownership" / f"{name}-{key}.safetensors"


Make = Callable[[Work], tuple[Mapping[str, Tensor], dict[str, Any]]]


def _piece(name: str, key: str, make: Make) -> Piece:
    """Return what is kept under a name and key, or make it; a damaged entry is logged and made again."""
    path = _path(name, key)
    unfinished = cache_folder() / "bench" / "unfinished" / f"{name}-{key}"

    def timed() -> Piece:
        spent = Spent(unfinished / "seconds")
        tensors, facts = make(Work(folder=unfinished, progress=spent))
        return Piece(tensors=tensors, facts=facts, seconds=round(spent.seconds, 3))

    if path.is_file():
        return load_or_make(path, _load, timed, _save, log)
    with locked(path.stem):
        piece = load_or_make(path, _load, timed, _save, log)
    shutil.rmtree(unfinished, ignore_errors=True)
    return piece


def _save(piece: Piece, path: Path) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in piece.tensors.items()}
    told = json.dumps({"facts": piece.facts, "seconds": piece.seconds, "sha256": _checksum(tensors)}, sort_keys=True)

    def write(draft: Path) -> None:
        try:
            save_file(tensors, draft, metadata={"format": "pt", FACTS: told})
        except SafetensorError as problem:
            raise OSError(f"{path} could not be written: {problem}") from None

    write_atomically(path, write)


def _load(path: Path) -> Piece:
    tensors, metadata = read_weights(path)
    try:
        told = json.loads(metadata[FACTS])
        facts, seconds, sha256 = dict(told["facts"]), float(told["seconds"]), told["sha256"]
    except (ValueError, KeyError, TypeError) as problem:
        raise LoadingError(f"{path}: what it says of itself cannot be read: {problem}") from None
    if _checksum(tensors) != sha256:
        raise LoadingError(f"{path} does not agree with its checksum")
    return Piece(tensors=tensors, facts=facts, seconds=seconds)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        content.update(tensor.contiguous().numpy().tobytes())
    return content.hexdigest()
