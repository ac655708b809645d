"""Sealed scores: the log-probabilities that the owner's model gives each sample, and what honest serving does to them.

Of a picture all classes are kept, or the most probable ones and what the others have together. A file has at most
NUMBER_LIMIT log-probabilities, so that a manifest stays small: 100 classes of 2,000 samples, 20 of 10,000. Needs no
torch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

CLASS_LIMIT = 100
"""Most classes of one sample whose log-probability is kept."""
NUMBER_LIMIT = 200_000
"""Most log-probabilities in one file."""
NULL_LIMIT = 10_000
"""Most numbers of the measured null."""
SMALLEST_FLOOR = 1e-7
"""Smallest floor of log-probabilities: what float32 can tell apart."""


@dataclass(frozen=True, kw_only=True)
class ExpectedScores:
    """The scores of one picture.

    Attributes:
        logs: Natural logarithms of softmax probabilities.
        classes: The class of each, the most probable first; empty for all classes in their order.
        rest: Probability of all other classes together.
    """

    logs: tuple[float, ...]
    classes: tuple[int, ...] = ()
    rest: float = 0.0

    def __post_init__(self) -> None:
        if not 2 <= len(self.logs) <= CLASS_LIMIT:
            raise ValueError(f"scores: a picture has 2 to {CLASS_LIMIT} log-probabilities, got {len(self.logs)}")
        if not all(math.isfinite(log) and log <= 1e-9 for log in self.logs):
            raise ValueError("scores: a log-probability is a finite number, at most 0")
        if self.classes and (len(set(self.classes)) < len(self.logs) or len(self.classes) != len(self.logs)):
            raise ValueError("scores: classes names the class of each log-probability, each class once")
        if self.classes and min(self.classes) < 0:
            raise ValueError(f"scores: a class is an index and cannot be negative, got {min(self.classes)}")
        if not 0 <= self.rest <= 1 or (self.rest and not self.classes):
            raise ValueError(f"scores: rest is the probability of the classes left out, got {self.rest}")
        total = self.rest + math.fsum(map(math.exp, self.logs))
        if abs(total - 1) > 1e-6:
            raise ValueError(f"scores: the probabilities of a picture add up to {total:.9g}, expected 1")


@dataclass(frozen=True, kw_only=True)
class ScoreRecord:
    """The scores of all samples, and how far honest serving moves them.

    Attributes:
        floor: Largest change of a log-probability of a sample, over all ways of serving that were measured.
        differ_rate: Probability p0, per sample, that honest serving prints a score beyond `multiple` floors.
        samples: The scores of each sample.
        multiple: A printed score beyond so many floors cannot come from honest serving.
        answers: How many answers of honest serving were measured: samples times ways of serving.
        variants: The largest change of each way of serving.
        controls: The scores of each control; empty where they are not known.
        null: Mean squared change of the log-probabilities of each sample, in floors, of the noisiest way of serving.
    """

    floor: float
    differ_rate: float
    samples: tuple[ExpectedScores, ...]
    multiple: float = 3.0
    answers: int = 0
    variants: Mapping[str, float] = field(default_factory=dict)
    null: tuple[float, ...] = ()
    controls: tuple[ExpectedScores, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.floor) and self.floor >= SMALLEST_FLOOR):
            raise ValueError(f"scores: floor is at least {SMALLEST_FLOOR:g}, got {self.floor}")
        if not (math.isfinite(self.multiple) and self.multiple >= 1):
            raise ValueError(f"scores: multiple is a number of floors, at least 1, got {self.multiple}")
        if not 0 < self.differ_rate < 1:
            raise ValueError(f"scores: differ_rate is a probability above 0 and below 1, got {self.differ_rate}")
        if self.answers < 0:
            raise ValueError(f"scores: answers is a count, got {self.answers}")
        for name, values in (("variants", self.variants.values()), ("null", self.null)):
            if not all(math.isfinite(value) and value >= 0 for value in values):
                raise ValueError(f"scores: {name} has finite numbers, at least 0")
        if len(self.null) > NULL_LIMIT:
            raise ValueError(f"scores: null has at most {NULL_LIMIT} numbers, got {len(self.null)}")
        count = sum(len(one.logs) for one in (*self.samples, *self.controls))
        if count > NUMBER_LIMIT:
            raise ValueError(f"scores: a file has at most {NUMBER_LIMIT} log-probabilities, got {count}")

    def describe(self) -> str:
        """Say what is sealed, and what it can show."""
        first = self.samples[0]
        which = f"the {len(first.logs)} most probable classes" if first.classes else f"all {len(first.logs)} classes"
        return (
            f"log-probabilities of {which}, noise floor {self.floor:.3g}; a printed score shows a change of "
            f"{self.multiple:g} floors, {self.multiple * self.floor:.3g}, or more"
        )

    def check_fit(self, class_count: int, sample_count: int, control_count: int) -> None:
        """Raise ValueError when the scores are not those of so many samples and controls, or of other classes."""
        if len(self.samples) != sample_count or len(self.controls) not in (0, control_count):
            raise ValueError(
                f"scores: {len(self.samples)} samples and {len(self.controls)} controls have scores, but there are "
                f"{sample_count} and {control_count}"
            )
        for one in (*self.samples, *self.controls):
            if not one.classes and len(one.logs) != class_count:
                raise ValueError(
                    f"scores: a picture has the log-probabilities of all {len(one.logs)} classes, but there are "
                    f"{class_count} class names"
                )
            if one.classes and max(one.classes) >= class_count:
                raise ValueError(f"scores: there is no class {max(one.classes)}, only {class_count} class names")


def classes_to_keep(class_count: int, picture_count: int) -> int:
    """Return of how many classes of each picture the log-probability is kept, when so many pictures have scores."""
    return max(2, min(class_count, CLASS_LIMIT, NUMBER_LIMIT // max(picture_count, 1)))
