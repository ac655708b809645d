"""What identifies an observation: the suspect, the fingerprint, and whose labels count."""

from dataclasses import replace

from modelprint.bench.detection.fingerprints import FingerprintRecipe
from modelprint.bench.detection.jobs import Question, observation_key
from modelprint.bench.detection.plan import PlannedDetection
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.suspects import Origin, suspect_of_row

ORIGIN = Origin(target="digits", model="m", data="d")


def test_keys_follow_from_content(tiny_plan: str) -> None:
    """The name of the row has no part in them, its settings have."""
    plan = parse_plan(tiny_plan)
    first, second = (
        FingerprintRecipe(planned=one, seed=7, zoo=()) for one in plan.part(PlannedDetection).fingerprints[:2]
    )
    row = plan.suspects[0]
    suspect = suspect_of_row(ORIGIN, row, 0)
    key = observation_key(suspect, "", first)

    assert observation_key(suspect_of_row(ORIGIN, replace(row, row="Other"), 0), "", first) == key
    others = {
        observation_key(suspect, "", second),
        observation_key(suspect, "int8-weights", first),
        observation_key(replace(suspect, seed=1), "", first),
        observation_key(replace(suspect, origin=replace(ORIGIN, model="x")), "", first),
        observation_key(suspect_of_row(ORIGIN, replace(row, settings={"share": 0.3}), 0), "", first),
    }
    assert len(others - {key}) == 5


def test_a_question_needs_the_suspect_and_its_reference(tiny_plan: str) -> None:
    """Where labels other than the target's count."""
    rows = parse_plan(tiny_plan).suspects
    plain, compared = (
        Question(plan="p", scale="smoke", origin=ORIGIN, row=row, seed=1, recipes={}) for row in (rows[1], rows[2])
    )

    assert [one.kind for one in plain.needed_suspects()] == ["flip-sign"]
    assert [(one.kind, one.seed) for one in compared.needed_suspects()] == [("bit-flip", 1), ("int8-weights", 0)]
    assert plain.job().label == "observations of flip-sign, seed 1"
