"""What identifies a test of a suspect: the suspect, and all that it is tested with."""

from dataclasses import replace

from modelprint.bench.ownership.jobs import Examination
from modelprint.bench.ownership.plan import OwnershipPart
from modelprint.bench.ownership.victim import Victim
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.suspects import Origin


def test_keys_follow_from_content(study_plan: str) -> None:
    """The names of plan and scale have no part in them; whose copy it is has."""
    plan = parse_plan(study_plan)
    planned = plan.part(OwnershipPart).ownership
    assert planned is not None
    origin = Origin(target="digits", model="m", data="d")
    victim = Victim(origin=origin, planned=planned, seed=7, training=((plan.suspects[0], 1), (plan.suspects[1], 1)))
    one = Examination(
        plan="p", scale="smoke", victim=victim, sibling=None, row=plan.suspects[0], seed=2, in_training=False
    )
    sibling = Origin(target="digits-2", model="n", data="d")

    assert replace(one, plan="q", scale="paper").key == one.key
    others = [replace(one, seed=1), replace(one, in_training=True), replace(one, maker=sibling)]
    assert len({one.key, *(other.key for other in others)}) == 4
    assert (one.suspect.origin, others[2].suspect.origin) == (origin, sibling)
    assert others[2].job().label == "ownership of extract-labels of digits-2, seed 2"
