"""What printed scores showed, as a record and in sentences. Needs no torch."""

from collections.abc import Sequence

from modelprint.verification.tally import Tally
from modelprint.verification.verdict import ScoreCheck


def check_scores(tally: Tally) -> ScoreCheck | None:
    """Return what the printed scores showed; None when labels alone are looked at, or no scores were printed."""
    weighed, rule = tally.weighed, tally.rule
    if rule is None or weighed.form is None:
        return None
    joint, worst = tally.joint, weighed.worst
    return ScoreCheck(
        used=weighed.used,
        form=weighed.form.describe(tally.class_count),
        floor=rule.record.floor,
        multiple=rule.record.multiple,
        random=weighed.random,
        flipped=sum(seen.flipped for seen in tally.observations.values()),
        largest=None if worst is None else worst[1].largest,
        sample=None if worst is None else worst[0],
        label=None if worst is None else worst[1].index,
        printed=None if worst is None else worst[1].value,
        sealed=None if worst is None else worst[1].expected,
        joint=None if joint is None else joint.root,
        joint_bound=None if joint is None else joint.bound,
    )


def state_difference(check: ScoreCheck | None, mismatched: int, answered: int) -> str:
    """Return how many answers differ: in their labels, or by what their scores say."""
    if check is None or check.used == "label":
        return f"{mismatched} of {answered} labels differ"
    which = "order of classes" if check.used == "order" else "scores"
    return f"{mismatched} of {answered} answers differ: {check.flipped} in the label, the others in their {which} alone"


def state_scores(check: ScoreCheck | None, class_names: Sequence[str]) -> tuple[str, ...]:
    """Return sentences about the scores: the largest deviation, the joint test, and that they are random."""
    if check is None:
        return ()
    if check.random:
        return (
            "the scores are random: they change from one answer to the next, or are wrong while every label holds; "
            "only labels count",
        )
    said = []
    if check.used != "label" and check.largest is not None and check.label is not None:
        what = f"class {class_names[check.label]} of sample {check.sample}"
        far = f"{check.largest:.3g} noise floors of {check.floor:.2g}, of which {check.multiple:g} are honest"
        scale = f"printed {check.printed:.6g}, sealed probability {check.sealed:.6g}"
        said.append(f"the largest deviation is {far}: {what}, {scale}")
    if check.joint is not None and check.joint_bound is not None and check.joint > check.joint_bound:
        said.append(
            f"together the scores are {check.joint:.3g} noise floors away, which honest serving does not reach "
            f"({check.joint_bound:.3g})"
        )
    return tuple(said)
