"""Judging from the responses of models: their similarities to the victim's, with or without an encoder."""

from collections.abc import Sequence
from dataclasses import replace

from modelprint.ownership.decision import Judge, OwnershipVerdict
from modelprint.ownership.encoder import Encoder, similarities
from modelprint.ownership.views import Responses


def judge_responses(
    judge: Judge,
    victim: Responses,
    suspect: Responses,
    others: Sequence[Responses],
    copies: Sequence[Responses] = (),
    encoder: Encoder | None = None,
) -> OwnershipVerdict:
    """Compare what models answered to the victim's views, and judge.

    Args:
        judge: The rates of error and the test.
        victim: Responses of the victim.
        suspect: Responses of the model in question.
        others: Of models known to be unrelated, not used to train the encoder.
        copies: Of models known to be copies, not used to train it; without them no model can be called unrelated.
        encoder: Maps responses; None compares the responses themselves.

    Raises:
        ValueError: Too few references for the rates (says how many are needed), one of them twice or used to train the
            encoder, or other views.
    """
    references = [*others, *copies]
    _check_references(victim, suspect, references, encoder)
    found, *rest = (similarities(victim, one, encoder).numpy() for one in (suspect, *references))
    verdict = judge.judge(found, rest[: len(others)], rest[len(others) :])
    return replace(verdict, victim=victim.model, suspect=suspect.model)


def _check_references(
    victim: Responses, suspect: Responses, references: Sequence[Responses], encoder: Encoder | None
) -> None:
    models = [one.model for one in references]
    if len(set(models)) < len(models):
        raise ValueError("a reference model is there twice; its answers count once")
    if {victim.model, suspect.model} & set(models):
        raise ValueError("the victim or the suspect is among the reference models; leave it out there")
    if encoder is None:
        return
    known = [number for number, model in enumerate(models, 1) if model in encoder.seen]
    if known:
        raise ValueError(
            f"the encoder was trained on reference model {known[0]} ({len(known)} of {len(models)} in all), so its "
            "similarity says nothing about other models; use references that the encoder was not trained on"
        )
    if suspect.model != victim.model and suspect.model in encoder.seen:
        raise ValueError("the encoder was trained on the suspect, so it cannot judge it; train one without it")
