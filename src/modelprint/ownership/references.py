"""Models that are known to be copies or unrelated: references for suspects, and models to train an encoder on.

They are made as suspects are, kept in the cache by content, and found there again after an interruption. Those that an
encoder is trained on have other seeds than the references, which it must not have seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.ownership import C_EXAMPLES
from modelprint.fingerprint.ownership_parts import Reference, Relation
from modelprint.ownership.suspects import OWNERSHIP_SUSPECTS
from modelprint.progress import Progress, ignore_progress
from modelprint.settings import build
from modelprint.tamperings import SUITE, Suspect, Tampering
from modelprint.tamperings.store import load_or_make_suspect, suspect_path

SEEDS = 100_000
"""Seeds of models that belong to one seed of the owner's; small ones are left to suspects."""
TRAINING_OFFSET = 50_000
"""Where, among them, the seeds of those begin that an encoder is trained on."""
TRAINING_MODELS = 5
"""Models of either kind that an encoder is trained on by default."""

COPIES = {
    C_EXAMPLES: ("finetune-all-1e-2-5-epochs", "prune-80-retrained", "prune-90-retrained"),
    "uap": ("extract-labels", "extract-probabilities", "finetune-all-1e-2-5-epochs"),
}
"""Kinds of copies by default: those that a method is meant for."""
USUAL: dict[str, dict[str, str]] = {"retrain-all-short": {"epochs": "10"}}
"""Settings of unrelated models by default: two epochs make poor stand-ins for another owner's model."""

Counts = Mapping[str, int]
"""How many models of each kind of tampering."""


@dataclass(frozen=True, kw_only=True)
class Models:
    """Which models of known relation are made.

    Attributes:
        unrelated: References that are no copies, by kind.
        copies: References that are copies.
        learnt_unrelated: Models that are no copies, to train the encoder on.
        learnt_copies: Copies to train it on.
        settings: Settings of kinds, as text, where they are not the defaults.
    """

    unrelated: Counts
    copies: Counts = field(default_factory=dict)
    learnt_unrelated: Counts = field(default_factory=dict)
    learnt_copies: Counts = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for relation, counts in self._list_parts():
            for kind, count in counts.items():
                if OWNERSHIP_SUSPECTS.get(kind, relation) != relation:
                    raise ValueError(
                        f"{kind} makes models that are not {_name_relation(relation)}; give it on the other side"
                    )
                once = self.tampering(kind).deterministic
                if count > 1 and once:
                    raise ValueError(f"{kind} gives the same model whatever the seed; ask for one of it, got {count}")
        shared = {kind for relation, counts in self._list_parts()[:2] for kind in counts} & {
            kind for relation, counts in self._list_parts()[2:] for kind in counts
        }
        for kind in sorted(shared):
            if self.tampering(kind).deterministic:
                raise ValueError(f"{kind} gives the same model whatever the seed; it is for training or a reference")
        if stray := sorted(self.settings.keys() - {kind for _, counts in self._list_parts() for kind in counts}):
            raise ValueError(f"there are settings for {stray[0]}, but no model of that kind is made")

    def _list_parts(self) -> tuple[tuple[Relation, Counts], ...]:
        return (
            ("unrelated", self.unrelated),
            ("copy", self.copies),
            ("unrelated", self.learnt_unrelated),
            ("copy", self.learnt_copies),
        )

    def tampering(self, kind: str) -> Tampering:
        """Return how models of a kind are made; ValueError when there is no such kind or setting."""
        return build(SUITE, kind, self.settings.get(kind, {}))

    def summary(self, model: Classifier, data: DataSet, seed: int) -> str:
        """Return which models will be made and how many are in the cache, one line for each kind."""
        names = ("unrelated references", "reference copies", "unrelated, training", "copies, training")
        firsts = (
            first_seed(seed),
            first_seed(seed),
            first_seed(seed) + TRAINING_OFFSET,
            first_seed(seed) + TRAINING_OFFSET,
        )
        lines = []
        for name, (_, counts), first in zip(names, self._list_parts(), firsts, strict=True):
            if not counts and first != first_seed(seed):
                continue
            there = sum(
                suspect_path(kind, self.tampering(kind), model, data, first + offset).is_file()
                for kind, count in counts.items()
                for offset in range(count)
            )
            total, kinds = sum(counts.values()), ", ".join(f"{kind}*{count}" for kind, count in counts.items())
            lines.append(f"{name:<20} {total}" + (f" ({kinds}), {there} of them in the cache" if total else ""))
        return "\n".join(lines)

    def record(self) -> dict[str, object]:
        """Return what was asked for, ready for JSON."""
        kept = asdict(self)
        return {name: value for name, value in kept.items() if value}


@dataclass(frozen=True, kw_only=True, eq=False)
class RelatedModel:
    """A model of known relation.

    Attributes:
        classifier: The model.
        reference: What the file says about it.
    """

    classifier: Classifier
    reference: Reference


def first_seed(seed: int) -> int:
    """Return the seed of the first reference of each kind."""
    return (seed + 1) * SEEDS


def spread(kinds: Sequence[str], count: int) -> dict[str, int]:
    """Return `count` models, of each kind as many as of the others, or one more."""
    counts = {kind: count // len(kinds) + (place < count % len(kinds)) for place, kind in enumerate(kinds)}
    return {kind: number for kind, number in counts.items() if number}


def unrelated_kinds(data: DataSet) -> tuple[str, ...]:
    """Return the kinds of unrelated models; where the data set has spare images, one kind is trained on those."""
    spare = data.spare is not None and len(data.spare) >= len(data.train)
    return ("homologous-0", "retrain-all-short") if spare else ("retrain-all-short",)


@dataclass(frozen=True, kw_only=True, eq=False)
class Relatives:
    """Makes the models of known relation to one victim.

    One that misses what its kind sets out to do (an extraction that does not agree with the victim, say) is not
    counted, and the next seed takes its place.

    Attributes:
        model: The victim.
        data: What it was trained on.
        models: Which are made.
        seed: Of the owner's; it decides about theirs.
        progress: Called after each model, and by the training inside.
    """

    model: Classifier
    data: DataSet
    models: Models
    seed: int
    progress: Progress = ignore_progress

    def make_references(self) -> Iterator[RelatedModel]:
        """Yield the references, unrelated ones first; CraftingError when there cannot be enough of a kind."""
        first = first_seed(self.seed)
        yield from self._make(self.models.unrelated, "unrelated", first, "unrelated references")
        yield from self._make(self.models.copies, "copy", first, "reference copies")

    def make_training_models(self, relation: Relation) -> Iterator[RelatedModel]:
        """Yield the copies, or the unrelated models, that an encoder is trained on; CraftingError as above."""
        counts = self.models.learnt_copies if relation == "copy" else self.models.learnt_unrelated
        yield from self._make(
            counts, relation, first_seed(self.seed) + TRAINING_OFFSET, f"{_name_relation(relation)} for training"
        )

    def _make(self, counts: Counts, relation: Relation, first: int, phase: str) -> Iterator[RelatedModel]:
        total, done = sum(counts.values()), 0
        self.progress(phase, 0, total)
        for kind, count in counts.items():
            for suspect in self._make_suspects(kind, count, first):
                digest, accuracy = suspect.classifier.digest(), suspect.movement.accuracy_after
                reference = Reference(
                    relation=relation, made=kind, seed=suspect.seed, model_sha256=digest, accuracy=accuracy
                )
                done += 1
                self.progress(phase, done, total)
                yield RelatedModel(classifier=suspect.classifier, reference=reference)

    def _make_suspects(self, kind: str, count: int, first: int) -> Iterator[Suspect]:
        tampering, tries, found = self.models.tampering(kind), 2 * count + 1, 0
        for seed in range(first, first + tries):
            suspect = load_or_make_suspect(kind, tampering, self.model, self.data, seed, progress=self.progress)
            if suspect.goal_reached:
                found += 1
                yield suspect
            if found == count:
                return
        raise CraftingError(
            f"only {found} of {tries} models of kind {kind} reached what they set out to do ({suspect.goal}, and the "
            f"last reached {suspect.goal_value}); give them other settings, or leave the kind out"
        )


def _name_relation(relation: Relation) -> str:
    return "copies" if relation == "copy" else "unrelated"
