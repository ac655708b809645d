"""The part of the record of a run that is about ownership."""

from dataclasses import asdict, dataclass, field

from pydantic import TypeAdapter

from modelprint.bench.record import JsonObject, validate
from modelprint.ownership import Judge


@dataclass(frozen=True, kw_only=True)
class ExamplesRecord:
    """How C-examples were made, and what came of it.

    Attributes:
        settings: All settings.
        asked: Examples to begin.
        examples: How many there are.
        missed: Examples that did not get the label they were to get.
        lost: Examples lost to rounding or to the selection.
        converged: Examples whose search converged.
        problem: Why there are none; empty when there are some.
    """

    settings: JsonObject = field(default_factory=dict)
    asked: int = 0
    examples: int = 0
    missed: int = 0
    lost: int = 0
    converged: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class OwnershipRecord:
    """What a run says about ownership.

    Attributes:
        alpha: Largest probability of calling an unrelated model a copy.
        beta: Largest probability of calling a copy unrelated.
        sibling: The other victim whose encoder is tried; empty for none.
        settings: Settings of the pattern, of the views and of the encoder.
        examples: Name of the C-examples -> how they were made.
        made: Label of the job -> facts of each other auxiliary input.
    """

    alpha: float = Judge.alpha
    beta: float = Judge.beta
    sibling: str = ""
    settings: dict[str, JsonObject] = field(default_factory=dict)
    examples: dict[str, ExamplesRecord] = field(default_factory=dict)
    made: dict[str, JsonObject] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return it as plain data."""
        return asdict(self)


_RECORD = TypeAdapter(OwnershipRecord)


def read_ownership_record(content: JsonObject) -> OwnershipRecord:
    """Return the record in plain data; ValueError names the first entry that is wrong."""
    return validate(_RECORD.validate_json, content)
