"""Keys of what a victim's ownership is tested with follow from all that it is made from."""

from dataclasses import replace

from modelprint.bench.ownership.plan import OwnershipPart
from modelprint.bench.ownership.victim import Victim
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.suspects import Origin


def test_keys_follow_from_content(study_plan: str) -> None:
    """The encoder's from pattern, views and training models; border points from none of these."""
    plan = parse_plan(study_plan)
    planned = plan.part(OwnershipPart).ownership
    assert planned is not None
    training = tuple((row, 1) for row in plan.suspects[:2])
    victim = Victim(origin=Origin(target="digits", model="m", data="d"), planned=planned, seed=7, training=training)

    others = {
        "seed": replace(victim, seed=8),
        "origin": replace(victim, origin=replace(victim.origin, model="x")),
        "pattern": replace(victim, planned=replace(planned, pattern={"radius": 20})),
        "training": replace(victim, training=training[:1]),
    }

    assert {name for name, one in others.items() if one.views_key != victim.views_key} == {"seed", "origin", "pattern"}
    assert all(one.encoder_key != victim.encoder_key for one in others.values())
    assert {name for name, one in others.items() if one.border_key != victim.border_key} == {"seed", "origin"}
    assert [suspect.kind for suspect in victim.training_suspects()] == ["extract-labels", "homologous-0"]
