"""Responses are compared view by view; models that cannot serve as references are refused."""

import json
from collections.abc import Callable, Sequence

import pytest

from modelprint.ownership.comparison import judge_responses
from modelprint.ownership.decision import LIMITS, Claim, Judge
from modelprint.ownership.encoder import Contrastive
from modelprint.ownership.views import Responses

Make = Callable[..., Responses]
APART = (0.6, 0.4, 0.7, 0.3)
"""What models that are no copies answer."""
JUDGE = Judge(alpha=0.1, beta=0.1)


def asked(answered: Make, copies: Sequence[str] = ()) -> tuple[list[Responses], list[Responses]]:
    """Return nine unrelated models and those copies."""
    return [answered(f"other {i}", APART) for i in range(9)], [answered(name) for name in copies]


def test_a_copy_is_known_from_its_answers(answered: Make) -> None:
    """With the models and the numbers in summary and JSON."""
    others, copies = asked(answered, [f"copy {i}" for i in range(9)])

    verdict = judge_responses(JUDGE, answered("victim"), answered("suspect"), others, copies)

    assert verdict.outcome is Claim.COPY
    assert (verdict.victim, verdict.suspect, verdict.views) == ("victim", "suspect", 6)
    record = json.loads(verdict.to_json())
    assert (record["outcome"], record["p_value"], len(record["others"])) == ("copy", 0.1, 9)
    assert record["limits"] == verdict.limits == LIMITS
    assert verdict.summary().startswith("verdict      COPY\nbecause      more similar")
    assert "of an unrelated model 0.1 (alpha 0.1); of a copy" in verdict.summary()
    assert (
        judge_responses(JUDGE, answered("victim"), answered("apart", APART), others, copies).outcome is Claim.UNRELATED
    )


def test_models_that_the_encoder_was_trained_on_are_refused(answered: Make) -> None:
    """As references or suspects; the victim may be asked about itself."""
    others, _ = asked(answered)
    victim = answered("victim")
    settings = Contrastive(epochs=1)
    knowing = settings.fit(victim, [answered("c")], [others[4]], 0)
    innocent = settings.fit(victim, [answered("c")], [answered("o", APART)], 0)

    with pytest.raises(ValueError, match=r"the encoder was trained on reference model 5 \(1 of 9 in all\)"):
        judge_responses(JUDGE, victim, answered("suspect"), others, encoder=knowing)
    with pytest.raises(ValueError, match="the encoder was trained on the suspect"):
        judge_responses(JUDGE, victim, answered("c"), others, encoder=innocent)
    assert judge_responses(JUDGE, victim, victim, others, encoder=innocent).outcome is Claim.COPY


def test_a_reference_counts_once(answered: Make) -> None:
    """Twice the same model, or the suspect itself among them, is refused."""
    others, _ = asked(answered)

    with pytest.raises(ValueError, match="a reference model is there twice"):
        judge_responses(JUDGE, answered("victim"), answered("suspect"), [*others, others[0]])
    with pytest.raises(ValueError, match="the victim or the suspect is among the reference models"):
        judge_responses(JUDGE, answered("victim"), others[0], others)
