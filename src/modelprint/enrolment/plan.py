"""What an enrolment does: how often and in which ways it asks, and how many questions that takes at most."""

from dataclasses import dataclass

from modelprint.enrolment.walking import WalkSettings

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8")
"""What a deployment may compute in."""
NATURAL_LIMIT = 100
"""Most natural images that are asked about before the enrolment."""
NATURAL_REPEATED = 20
"""How many of them are asked about twice."""
CONFIRMING_ROUNDS = 3
"""Rounds of confirming chosen samples and replacing those that do not keep their label."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question about each of some pictures, all asked in the same way.

    Attributes:
        name: What reports call it, and the file of its answers.
        concurrent: Whether several questions are asked at a time.
        shuffled: Whether they are asked in a random order.
        paused: Whether there is a pause before it.
    """

    name: str
    concurrent: bool = False
    shuffled: bool = False
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class EnrolmentPlan:
    """How a deployment is enrolled.

    Attributes:
        count: Samples to seal; None for as many as the file has, or at least half of them when some are lost.
        repeats: How often every sample is asked about, at least 2.
        concurrency: Most questions at a time in the turns that ask several.
        walks: Walks over the last grey levels from each sample; 0 leaves the pictures as they are.
        pause: Seconds before the last turn.
        most_questions: Most questions in all; None for as many as it takes.
        seed: Of every random number.
        precision: What the deployment computes in, where that is known.
        checked: Whether it must first be shown to be the release.
        allow_fewer: Seal fewer samples than asked for when there are no more.
        walking: How a walk moves.
    """

    count: int | None = None
    repeats: int = 5
    concurrency: int = 4
    walks: int = 3
    pause: float = 60.0
    most_questions: int | None = None
    seed: int = 0
    precision: str | None = None
    checked: bool = True
    allow_fewer: bool = False
    walking: WalkSettings = WalkSettings()  # noqa: RUF009 - frozen, so one for all plans is right

    def __post_init__(self) -> None:
        lowest = {"count": 1, "repeats": 2, "concurrency": 1, "walks": 0, "pause": 0, "most_questions": 1, "seed": 0}
        for name, least in lowest.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if self.precision is not None and self.precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, got {self.precision!r}")

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The ways to ask, in their order: alone and several at a time in turn, the last one after a pause."""
        turns = []
        for index in range(self.repeats):
            concurrent = index % 2 == 1 and self.concurrency > 1
            last = index == self.repeats - 1
            how = f"{self.concurrency} at a time" if concurrent else "one at a time"
            order = ", shuffled" if index else ""
            later = ", after a pause" if last and self.pause else ""
            turns.append(
                Turn(
                    name=f"turn {index + 1}, {how}{order}{later}",
                    concurrent=concurrent,
                    shuffled=bool(index),
                    paused=last,
                )
            )
        return tuple(turns)

    def count_most_questions(self, samples: int, natural: int, deployments: int) -> int:
        """Return how many questions it takes at most, when no answer fails and no sample has to be replaced.

        Args:
            samples: In the file.
            natural: Natural images in the file whose labels are known.
            deployments: Endpoints or replicas.
        """
        wanted = min(self.count or samples, samples)
        asked = min(natural, NATURAL_LIMIT)
        check = (asked + min(asked, NATURAL_REPEATED)) * deployments if self.checked else 0
        candidates = samples * self.repeats * deployments
        if not self.walks:
            return check + candidates
        walked = samples * self.walking.most_questions(self.walks)
        return check + candidates + walked + wanted * self.repeats * deployments
