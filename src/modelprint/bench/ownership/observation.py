"""Observations of ownership: the answers of one suspect, and everything needed to get them again."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter

from modelprint.bench.lines import SuspectId, parse_line, suspect_id
from modelprint.ownership import Relation

OWNERSHIP_LINES = "ownership.jsonl"
"""The file of these observations in the folder of a run."""

IN_TRAINING = "learnt"
"""What lines call `in_training`."""

OWN, PLAIN, SIBLING = "encoder", "no encoder", "sibling's encoder"
MATCHED = "sibling's encoder and points"
"""What responses are compared by: the victim's encoder, nothing, the encoder of another victim, or that encoder where
the points are those that it was trained at, with the victim's pattern on them."""


@dataclass(frozen=True, kw_only=True)
class OwnershipObservation:
    """What one suspect answered to everything that tests ownership.

    Attributes:
        key: Content hash of the suspect and of all it was asked.
        plan: Name of the plan.
        scale: At which the plan ran.
        target: Name of the victim.
        row: Row of the plan.
        kind: Name of the tampering.
        seed: What its random draws came from.
        settings: Its settings.
        relation: What it is to the victim.
        in_training: Whether encoders were trained on it; then it judges none and is not judged.
        control: True for the victim itself, or a copy that gives the same answers.
        goal_value: The number that decides whether it did what it set out to do.
        goal_reached: Whether it did.
        notes: What else the tampering says.
        accuracy: On the test images, 0 to 1.
        agreement: Share of the test images that get the victim's label, 0 to 1.
        digest: SHA-256 of its weights.
        similarities: To the victim, view by view, by what they were compared by.
        codes: Representations of its first views, likewise; of "no encoder" random projections of the responses.
        kept: By name of the C-examples, how many get the label they were made for.
        gaps: The two largest probabilities' difference at each border point of the victim.
        maker: Name of the target that the suspect was made from, where that is not the victim; else empty.
    """

    key: str
    plan: str
    scale: str
    target: str
    row: str
    kind: str
    seed: int
    settings: dict[str, Any]
    relation: Relation
    in_training: Annotated[bool, Field(validation_alias=IN_TRAINING)]
    control: bool
    goal_value: float | None
    goal_reached: bool
    notes: str
    accuracy: float
    agreement: float
    digest: str
    similarities: dict[str, list[float]]
    codes: dict[str, list[list[float]]]
    kept: dict[str, int]
    gaps: list[float]
    maker: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    def __post_init__(self) -> None:
        for name, values in self.similarities.items():
            if not values or not all(-1.001 <= value <= 1.001 for value in values):
                raise ValueError(f"similarities by {name} are cosines of at least one view, got {values}")

    @property
    def network(self) -> str:
        """Its architecture where that is not the victim's, else empty."""
        return str(self.settings.get("network", ""))

    @property
    def overlap(self) -> float | None:
        """Share of its training images that are the victim's; None where that is not known or makes no sense."""
        return float(self.settings["overlap"]) if "overlap" in self.settings else None

    @property
    def family(self) -> str:
        """What kind of suspect it is, in a word or two: the victim, derived, extracted, unrelated, another's copy."""
        if self.maker:
            return "another's copy"
        if self.relation == "unrelated":
            return "unrelated"
        if self.control:
            return "victim"
        return "extracted" if self.kind.startswith("extract") else "derived"

    def similarity(self, by: str) -> float:
        """Return the mean over the views."""
        values = self.similarities[by]
        return sum(values) / len(values)

    @property
    def suspect(self) -> SuspectId:
        """Which suspect it is about."""
        return suspect_id(self.row, self.kind, self.seed, self.settings)

    def to_line(self) -> str:
        """Return the one line of JSON, with its end."""
        content = asdict(self)
        content[IN_TRAINING] = content.pop("in_training")
        return json.dumps(content, sort_keys=True, ensure_ascii=False) + "\n"


_READER = TypeAdapter(OwnershipObservation)


def read_line(text: str) -> OwnershipObservation:
    """Return the observation of one line; ValueError says why it is none."""
    return parse_line(_READER.validate_json, text)
