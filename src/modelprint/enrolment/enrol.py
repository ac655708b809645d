"""From a sealed fingerprint and a trusted deployment to an enrolled fingerprint.

    oracle = open_oracle(load_endpoint(Path("staging.yaml")), fingerprint.class_names)
    enrolled, report = enrol(fingerprint, [oracle], EnrolmentPlan(walks=3))
    enrolled.save("release.staging.mprint")

Rounding moves the logits of a half-precision or int8 server far more than what a sample detects, but it moves them in
the same way every time. So a sample keeps its sensitivity when the expected label is the one that this server gives,
and when only the noise of this server counts.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from modelprint.enrolment.asking import Deployments
from modelprint.enrolment.choosing import choose_spots
from modelprint.enrolment.plan import CONFIRMING_ROUNDS, EnrolmentPlan
from modelprint.enrolment.release_check import Agreement, check_release, check_samples
from modelprint.enrolment.result import EnrolledParts, assemble
from modelprint.enrolment.steadiness import Steadiness, judge_steadiness
from modelprint.enrolment.walking import Spot, explore
from modelprint.errors import EnrolmentError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.oracle import Oracle
from modelprint.pixels import Picture
from modelprint.progress import Progress, ignore_progress

FEWEST = 0.5
"""Share of the samples that must keep their label where no number is asked for."""


@dataclass(frozen=True, kw_only=True)
class EnrolmentReport:
    """What became of the samples, and how many questions it took.

    Attributes:
        natural: Natural images that were asked about.
        agreed: How many of them got the label of the release.
        samples: In the file.
        unchanged: How many of them got the label they were sealed with.
        steady: How many of them kept one label.
        variation: What made the others change.
        moved: Enrolled samples that were moved.
        compared: Answers that were compared with others about the same picture.
        flips: How many of them differed.
        flip_rate: Upper bound of the honest flip rate.
        local_flip_rate: Median share of neighbours with another label; None when it was not measured.
        enrolled: Samples enrolled.
        questions: How many were asked.
        recalled: How many an interrupted run had got answers to.
    """

    natural: int
    agreed: int
    samples: int
    unchanged: int
    steady: int
    variation: str
    moved: int
    compared: int
    flips: int
    flip_rate: float
    local_flip_rate: float | None
    enrolled: int
    questions: int
    recalled: int

    def summary(self) -> str:
        """Return one line for each fact."""
        rate = "not measured" if self.local_flip_rate is None else f"median {self.local_flip_rate:.0%} of neighbours"
        lines = {
            "release": f"{self.agreed} of {self.natural} natural images have the label of the release"
            if self.natural
            else "not checked",
            "unchanged": f"{self.unchanged} of {self.samples} samples have the label they were sealed with",
            "steady": f"{self.steady} of {self.samples} kept their label" + (self.variation and f"; {self.variation}"),
            "noise": f"{self.flips} of {self.compared} answers flipped, a flip rate of at most {self.flip_rate:.2g}",
            "local flips": rate,
            "enrolled": f"{self.enrolled}, {self.moved} of them moved",
            "questions": f"{self.questions} asked, {self.recalled} answered before",
        }
        return "\n".join(f"{name:<12} {text}" for name, text in lines.items())


def enrol(
    fingerprint: Fingerprint,
    oracles: Sequence[Oracle],
    plan: EnrolmentPlan = EnrolmentPlan(),  # noqa: B008 - frozen, so one for all calls is right
    *,
    folder: Path | None = None,
    progress: Progress = ignore_progress,
    created: datetime | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Fingerprint, EnrolmentReport]:
    """Ask a trusted deployment about the samples of `fingerprint`, and return them with its labels.

    1. Check with natural images that this is the release.
    2. Ask about all samples, several times and in several ways; keep those that keep one label without a tie.
    3. Walk from each over the last grey levels, and measure local flip rates.
    4. Choose: the highest flip rates, every class about equally often.
    5. Ask about what was chosen in all ways again, and replace what does not keep its label.
    6. Bound the honest flip rate from all answers, and seal.

    Without walks, steps 3 and 5 are left out. Answers are kept in `folder` as they come: an interrupted call that is
    repeated asks only for the others.

    Args:
        fingerprint: The release, or an earlier enrolment of it.
        oracles: The deployment; several are replicas of one, and all of them have to agree.
        plan: How.
        folder: Where answers are kept; None keeps them in memory.
        progress: Called as questions are answered.
        created: Time for the file; now by default.
        sleep: Waits for some seconds.

    Returns:
        The enrolled fingerprint and what happened.

    Raises:
        EnrolmentError: It is not the release, or too few samples keep their label; says what was seen. Answers in
            `folder` would lead to the same end again.
        OracleError: There was no answer, or the questions are used up; what was answered is kept in `folder`.
    """
    deployments = Deployments(
        oracles,
        len(fingerprint.class_names),
        subject=f"{fingerprint.digest} seed {plan.seed}",
        folder=folder,
        concurrency=plan.concurrency,
        most_questions=plan.most_questions,
        seed=plan.seed,
        pause=plan.pause,
        progress=progress,
        sleep=sleep,
    )
    agreement = check_release(deployments, fingerprint, plan.precision) if plan.checked else Agreement()  # (1)
    pictures = [sample.picture for sample in fingerprint.samples]
    steadiness = _ask_repeatedly(deployments, plan, pictures, "asking")  # (2)
    unchanged = check_samples(fingerprint, steadiness.labels, plan.precision if plan.checked else None)
    wanted, least = _count_wanted(plan, len(pictures), steadiness)
    spots = _find_spots(deployments, plan, fingerprint, steadiness)  # (3)
    counts = [steadiness]
    if plan.walks:
        chosen = _choose_confirmed(deployments, plan, spots, wanted, counts)  # (4) and (5)
    else:
        chosen = choose_spots(spots, wanted, deployments.class_count)  # (4)
    if len(chosen) < least:
        raise EnrolmentError(
            f"only {len(chosen)} of {wanted} samples keep their label when they are asked about again "
            f"({counts[-1].explain()}); ask for fewer with --count, or for what there is with --allow-fewer"
        )
    parts = EnrolledParts(
        plan=plan,
        deployments=deployments,
        agreement=agreement,
        unchanged=unchanged,
        spots=tuple(chosen),
        compared=sum(one.compared for one in counts),
        flips=sum(one.flips for one in counts),
        created=created or datetime.now(UTC),
    )
    enrolled = assemble(fingerprint, parts)  # (6)
    return enrolled, _report(fingerprint, enrolled, parts, steadiness)


def _ask_repeatedly(
    deployments: Deployments, plan: EnrolmentPlan, pictures: Sequence[Picture], phase: str
) -> Steadiness:
    answers = [deployments.ask_turn(pictures, turn, phase) for turn in plan.turns]
    return judge_steadiness(plan.turns, answers)


def _count_wanted(plan: EnrolmentPlan, samples: int, steadiness: Steadiness) -> tuple[int, int]:
    """Return how many samples to enrol, and how many at least; EnrolmentError when too few keep their label."""
    wanted = min(plan.count or samples, samples)
    least = 1 if plan.allow_fewer else wanted if plan.count else max(1, round(FEWEST * samples))
    if plan.count and plan.count > samples:
        raise ValueError(f"count is at most {samples}, the samples in the file, got {plan.count}")
    if steadiness.kept < least:
        raise EnrolmentError(
            f"only {steadiness.kept} of {samples} samples keep their label, {least} are needed: "
            f"{steadiness.explain()}; "
            "this is no single deployment that answers alike: ask one replica or one model, without a canary, or give "
            "--allow-fewer"
        )
    return wanted, least


def _find_spots(
    deployments: Deployments, plan: EnrolmentPlan, fingerprint: Fingerprint, steadiness: Steadiness
) -> list[Spot]:
    """Return the samples that keep their label, and where walks from them got to."""
    starts = [
        Spot(origin=index, pixels=sample.picture.pixels, label=label)
        for index, (sample, label) in enumerate(zip(fingerprint.samples, steadiness.labels, strict=True))
        if label is not None
    ]
    if not plan.walks:
        return starts
    go = partial(_explore, deployments, plan)
    return [spot for found in deployments.run_all(starts, go, "walking") for spot in found]


def _explore(deployments: Deployments, plan: EnrolmentPlan, start: Spot) -> list[Spot]:
    ask = deployments.ask_label
    return explore(start.origin, start.pixels, start.label, plan.walks, ask, plan.walking, plan.seed)


def _choose_confirmed(
    deployments: Deployments, plan: EnrolmentPlan, spots: Sequence[Spot], wanted: int, counts: list[Steadiness]
) -> list[Spot]:
    """Return the chosen spots that keep their label when asked about in all ways; adds what was seen to `counts`."""
    confirmed: list[Spot] = []
    left = list(spots)
    for number in range(1, CONFIRMING_ROUNDS + 1):
        used = {spot.origin for spot in confirmed}
        open_spots = [spot for spot in left if spot.origin not in used]
        new = choose_spots([*confirmed, *open_spots], wanted, deployments.class_count)
        new = [spot for spot in new if spot not in confirmed]
        if not new or len(confirmed) == wanted:
            break
        pictures = [Picture.of(spot.pixels) for spot in new]
        counts.append(_ask_repeatedly(deployments, plan, pictures, f"confirming {number}"))
        kept = [spot for spot, label in zip(new, counts[-1].labels, strict=True) if label == spot.label]
        confirmed += kept[: wanted - len(confirmed)]
        left = [spot for spot in left if spot not in new]
    return choose_spots(confirmed, wanted, deployments.class_count)


def _report(
    fingerprint: Fingerprint, enrolled: Fingerprint, parts: EnrolledParts, steadiness: Steadiness
) -> EnrolmentReport:
    made = enrolled.enrolment
    assert made is not None
    rates = made.flip_rates
    return EnrolmentReport(
        natural=made.natural,
        agreed=made.agreed,
        samples=len(fingerprint.samples),
        unchanged=parts.unchanged,
        steady=steadiness.kept,
        variation=steadiness.explain(),
        moved=made.moved,
        compared=parts.compared,
        flips=parts.flips,
        flip_rate=enrolled.profile.flip_rate,
        local_flip_rate=rates[len(rates) // 2] if rates else None,
        enrolled=len(enrolled.samples),
        questions=made.questions,
        recalled=parts.deployments.recalled,
    )
