"""What a plan says about ownership is checked before any work; a mistake is one line that names the key."""

import pytest

from modelprint.bench.ownership.plan import OwnershipPart
from modelprint.bench.plan import at_scale
from modelprint.bench.plan_file import parse_plan
from modelprint.ownership import CExamples, Universal


def test_settings_are_those_of_the_methods(study_plan: str) -> None:
    """By their names, on top of the usual ones."""
    planned = parse_plan(study_plan).part(OwnershipPart).ownership
    assert planned is not None

    assert planned.universal() == Universal(radius=80, rate=0.0, steps=5, batch=50, images=100)
    assert planned.clusters().points == 5
    assert planned.contrastive().epochs == 2
    assert planned.examples[0].build() == CExamples(steps=10)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("border = 5", "borders = 5", "ownership.borders: there is no such key"),
        ("border = 5", "border = -1", "ownership.border: "),
        ("alpha = 0.5", "alpha = 1.5", "ownership.alpha: "),
        ("radius = 80", "radius = 0", "ownership.pattern: radius is 1 to 255 grey levels"),
        ("points = 5", "dots = 5", "ownership.views: views has no setting 'dots'"),
        ("epochs = 2 }", "loss = 'x' }", "ownership.encoder: loss is one of"),
        ("steps = 10 }", "band = -1 }", "ownership.examples[0]: band is the highest frequency"),
        ('"vanilla", settings', '"vanilla", variant = "x", settings', "ownership.examples[0]: there is no 'x'"),
        ("count = 5 }]", 'count = 5 }, { name = "vanilla" }]', "ownership.examples: vanilla stands there twice"),
        ('sibling = "digits-2"', 'sibling = "x"', "ownership.sibling: there is no 'x'"),
        ("alpha = 0.5", "alpha = 0.1", "ownership.alpha: 0.1 needs 10 unrelated models"),
        (
            "models = 3, training = 1",
            "models = 3",
            "suspects: an encoder is trained on at least one copy and one unrelated",
        ),
        ("models = 2, training = 1", "models = 2, training = -1", "suspects[0].training: "),
        ('kind = "none", control = true', 'kind = "prune-20"', "suspects[2].kind: whether prune-20 is a copy"),
    ],
)
def test_a_mistake_is_named(study_plan: str, old: str, new: str, said: str) -> None:
    """With its key and what there is instead."""
    assert old in study_plan

    with pytest.raises(ValueError, match="^" + said.replace("[", r"\[").replace("]", r"\]")):
        parse_plan(study_plan.replace(old, new))


def test_copies_have_to_be_left(study_plan: str) -> None:
    """An encoder that is trained on all of them has nothing to be judged by."""
    rows = study_plan.replace("models = 2, training = 1", "models = 2, training = 2")
    alone = "".join(line for line in rows.splitlines(keepends=True) if '"none"' not in line)

    with pytest.raises(ValueError, match="no copy is left to be judged"):
        parse_plan(alone)


def test_training_needs_a_part_about_ownership(study_plan: str) -> None:
    """Without it there is no encoder to train."""
    with pytest.raises(ValueError, match=r"^suspects\[0\].training: no encoder is trained, the plan has no ownership"):
        parse_plan(study_plan[: study_plan.index("[ownership]")])


def test_a_scale_puts_another_part_in_its_place(study_plan: str) -> None:
    """As a whole."""
    plan = parse_plan(study_plan + "\n[scales.smoke.ownership]\nalpha = 0.5\nborder = 0\n")

    small = at_scale(plan, "smoke").part(OwnershipPart).ownership
    assert small is not None
    assert (small.border, small.examples) == (0, ())
