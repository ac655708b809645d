"""The fingerprints of a trade-off: sealed once, one for each point, and found again by a later call."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import BenchError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.methods.junction import Junction
from modelprint.progress import Progress
from modelprint.work import Work

METHOD = "junction"
"""Name in METHODS of the method that the curves are of."""

ASKED = "samples asked for"
"""Note in a fingerprint: it may hold fewer, and then there are no more to be had."""

PARTIAL = "partial"
"""Folder of unfinished work, inside the folder of the fingerprints."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointSealer:
    """Seals the fingerprints of all points.

    Attributes:
        model: The classifier to protect.
        data: What it was trained and tested on.
        count: Samples at each point.
        folder: For the fingerprints and unfinished work.
        profile: Name of the serving profile.
        seed: Of the samples.
        created: Time for the files; now when None.
        progress: Called with the steps of long work.
    """

    model: Classifier
    data: DataSet
    count: int
    folder: Path
    profile: str
    seed: int
    created: datetime | None
    progress: Progress

    def load(self, name: str, method: Junction) -> Fingerprint | None:
        """Return the fingerprint that an earlier call left for this point; None when there is none."""
        path = self.folder / f"{name}.mprint"
        if not path.exists():
            return None
        found = Fingerprint.load(path)
        asked = provenance_of(
            self.model.name, self.model.digest(), self.data, METHOD, asdict(method), self.seed, datetime.now(UTC)
        )
        facts = ("version", "model_sha256", "data_sha256", "method", "settings", "seed")
        differing = [fact for fact in facts if getattr(found.provenance, fact) != getattr(asked, fact)]
        differing += ["profile"] if found.profile.name != self.profile else []
        differing += ["count"] if found.provenance.notes.get(ASKED) != str(self.count) else []
        if differing:
            raise BenchError(f"{path} was sealed with another {differing[0]}; name another folder, or delete the file")
        return found

    def seal(self, name: str, method: Junction) -> Fingerprint:
        """Seal the fingerprint of a point and keep it."""

        def report(phase: str, done: int, total: int) -> None:
            self.progress(f"{name}: {phase}", done, total)

        fingerprint, _ = generate(
            self.model,
            self.data,
            method,
            count=self.count,
            profile=self.profile,
            seed=self.seed,
            allow_fewer=True,
            measures=NOTHING,
            work=Work(progress=report, folder=self.folder / PARTIAL / name),
            created=self.created,
        )
        notes = {**fingerprint.provenance.notes, ASKED: str(self.count)}
        fingerprint = replace(fingerprint, provenance=replace(fingerprint.provenance, notes=notes))
        fingerprint.save(self.folder / f"{name}.mprint")
        return fingerprint
