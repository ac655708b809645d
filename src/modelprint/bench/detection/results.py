"""The results of a run about detection, as the sections of a report need them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from modelprint.bench.contents import RunContents
from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.outputs import OUTPUTS
from modelprint.bench.detection.published import Published, published_table
from modelprint.bench.detection.record import DetectionRecord, read_detection_record
from modelprint.errors import FingerprintError
from modelprint.fingerprint.integrity import Fingerprint


@dataclass(frozen=True, kw_only=True)
class DetectionResults:
    """What a run observed about detection.

    Attributes:
        contents: Everything in its folder.
        record: What the run says about detection.
        fingerprints: Name -> the sealed fingerprint; those that were not sealed or cannot be read are missing.
        problems: Why fingerprints cannot be read.
    """

    contents: RunContents
    record: DetectionRecord = field(default_factory=DetectionRecord)
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """All that can be read."""
        return self.contents.lines_of(Observation)

    @property
    def data(self) -> str:
        """Name of the target's data set."""
        return self.contents.record.target.data

    @property
    def published(self) -> Published | None:
        """The table of the paper that is called like the plan, or the one about the target's data."""
        named = (self.contents.record.plan, self.data)
        return next((table for name in named if (table := published_table(name))), None)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Forms of answers that the plan wants to see, as far as they are known."""
        return tuple(name for name in OUTPUTS if name in self.record.outputs)

    @property
    def random_subsets(self) -> Mapping[str, tuple[str, ...]]:
        """By fingerprint, in which order the samples of each random subset are asked."""
        known = self.record.fingerprints.items()
        return {name: one.random_subsets for name, one in known if one.random_subsets}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Names of the fingerprints, in the order of the plan; observed ones that it does not name come last."""
        observed = sorted({one.fingerprint for one in self.observations})
        return tuple(dict.fromkeys([*self.record.fingerprints, *observed]))


def read_results(contents: RunContents) -> DetectionResults:
    """Return the results in the folder of a run; ValueError when what the record says about detection is damaged."""
    record = read_detection_record(contents.record.studies.get("detection", {}))
    fingerprints, problems = _read_fingerprints(contents, record)
    return DetectionResults(contents=contents, record=record, fingerprints=fingerprints, problems=problems)


def _read_fingerprints(
    contents: RunContents, record: DetectionRecord
) -> tuple[dict[str, Fingerprint], tuple[str, ...]]:
    """Return the sealed fingerprints that the record names; only files inside the folder are opened."""
    found: dict[str, Fingerprint] = {}
    problems: list[str] = []
    if contents.folder is None:
        return found, ()
    folder = contents.folder.resolve()
    for name, facts in record.fingerprints.items():
        if not facts.file:
            continue
        path = (folder / facts.file).resolve()
        if not path.is_relative_to(folder):
            problems.append(f"fingerprint {name}: {facts.file} lies outside the folder and was not opened")
            continue
        try:
            found[name] = Fingerprint.load(path)
        except (FingerprintError, OSError, ValueError) as problem:
            problems.append(f"fingerprint {name}: {problem}".replace(f"{folder}/", ""))
    return found, tuple(problems)
