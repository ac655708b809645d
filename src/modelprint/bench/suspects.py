"""Suspects of a plan: what each follows from, the job that makes it, and where it comes from."""

from dataclasses import asdict, dataclass
from functools import lru_cache

from modelprint.bench.jobs import Done, capture_warnings
from modelprint.bench.lines import SuspectId, suspect_id
from modelprint.bench.locks import lock_entry
from modelprint.bench.plan import PlannedRow
from modelprint.bench.record import TargetRecord
from modelprint.bench.targets import TARGETS, target_model
from modelprint.cache import cache_folder, content_key
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.engine import Job
from modelprint.fast.known import accuracy_on
from modelprint.settings import build
from modelprint.tamperings import SUITE, Suspect, Tampering
from modelprint.tamperings.store import REVISION, load_or_make_suspect, suspect_path


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What suspects are made from, as content: equal digests give equal lines.

    Attributes:
        target: Name of the target.
        model: SHA-256 of its weights.
        data: SHA-256 of its data set.
    """

    target: str
    model: str
    data: str


def origin_of(target: TargetRecord) -> Origin:
    """Return the origin of suspects of a target."""
    return Origin(target=target.name, model=target.model_sha256, data=target.data_sha256)


@dataclass(frozen=True, kw_only=True)
class PlannedSuspect:
    """A suspect before it is made.

    Attributes:
        origin: What it is made from.
        kind: Name of the tampering.
        tampering: What is done.
        seed: Of its random draws.
    """

    origin: Origin
    kind: str
    tampering: Tampering
    seed: int

    @property
    def content(self) -> list[object]:
        """All that it follows from, beside its origin."""
        settings = asdict(self.tampering)  # type: ignore[call-overload]
        return [REVISION, self.kind, type(self.tampering).__name__, settings, self.seed]

    @property
    def key(self) -> str:
        """Content hash of the suspect."""
        return content_key([*self.content, self.origin.model, self.origin.data])

    def job(self, what: str = "suspect") -> Job[Done[None]]:
        """Return the job that makes it; `what` is the first word of its label."""
        return Job(
            key=f"suspect-{self.key}",
            label=f"{what} {self.kind}, seed {self.seed}",
            function=prepare_suspect,
            arguments=(self,),
        )

    def load_or_make(self) -> Suspect:
        """Return it from the cache, or make it; Busy when another process is making it."""
        model, data = load_target(self.origin.target)
        path = suspect_path(self.kind, self.tampering, model, data, self.seed)
        if path.is_file():
            return load_or_make_suspect(self.kind, self.tampering, model, data, self.seed)
        with lock_entry(path.stem):
            return load_or_make_suspect(self.kind, self.tampering, model, data, self.seed)


def suspect_of_row(origin: Origin, row: PlannedRow, seed: int) -> PlannedSuspect:
    """Return a suspect of a row."""
    return PlannedSuspect(origin=origin, kind=row.kind, tampering=row.build(), seed=seed)


def line_id(row: PlannedRow, seed: int) -> SuspectId:
    """Return the identity that lines about a suspect of a row have."""
    return suspect_id(row.row, row.kind, seed, asdict(row.build()))  # type: ignore[call-overload]


def usual_suspect(origin: Origin, kind: str, seed: int) -> PlannedSuspect:
    """Return a suspect of a kind with its usual settings."""
    return PlannedSuspect(origin=origin, kind=kind, tampering=build(SUITE, kind), seed=seed)


def prepare_suspect(suspect: PlannedSuspect) -> Done[None]:
    """Make sure that a suspect is in the cache."""
    with capture_warnings() as remarks:
        made = suspect.load_or_make()
    return Done(value=None, remarks=tuple(remarks), seconds=made.seconds)


def describe_target(name: str, known: str = "") -> Done[TargetRecord]:
    """Return the facts of a target; its accuracy only when its weights are not the `known` ones (SHA-256)."""
    with capture_warnings() as remarks:
        model, data = load_target(name)
        digest = model.digest()
        facts = TargetRecord(
            name=name,
            network=TARGETS[name].network,
            data=TARGETS[name].data,
            model_sha256=digest,
            data_sha256=data.digest,
            class_count=model.class_count,
            train_images=len(data.train),
            test_images=len(data.test),
            accuracy=None if digest == known else accuracy_on(model, data.test),
        )
    return Done(value=facts, remarks=tuple(remarks))


def load_target(name: str) -> tuple[Classifier, DataSet]:
    """Return a target; loaded once per process and cache folder, as long as no other one is asked for."""
    return _load_target(name, str(cache_folder()))


@lru_cache(maxsize=1)
def _load_target(name: str, cache: str) -> tuple[Classifier, DataSet]:
    return target_model(TARGETS[name])
