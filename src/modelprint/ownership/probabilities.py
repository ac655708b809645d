"""What a suspect thinks of pictures: the probability of every class, of a classifier in our hands or behind an oracle.

A fingerprint that compares probabilities is worth nothing where some of them were made up, so whatever is missing is
refused with the picture it is missing for: classes that were not scored, scores that are no probabilities, silence.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.errors import OracleError
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import compute_logits
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.pixels import Picture, Pixels
from modelprint.work import Work

Probabilities = Float64[Tensor, "n classes"]
"""Probability of every class, which add up to 1."""
Suspected = Classifier | Oracle
"""Whose copy-or-not is in question: a classifier in our hands, or an oracle that tells its scores."""
Scores = Literal["probabilities", "logits"]
"""What the scores of an oracle are."""

SAVED_EVERY = 100
"""Answers of an oracle between two saved states."""
SLACK = 0.05
"""How far printed probabilities may be from adding up to 1: ten of them with two decimals."""
STATE = "probabilities"


def probabilities(
    suspect: Suspected, pixels: Pixels, class_count: int, *, scores: Scores = "probabilities", work: Work | None = None
) -> Probabilities:
    """Return the probability that `suspect` gives to every class of each picture.

    Args:
        suspect: A classifier, or an oracle that is asked about one picture after the other.
        pixels: The pictures, as they travel.
        class_count: How many classes there have to be.
        scores: What the scores of an oracle are; a classifier gives logits anyhow.
        work: Progress and resumption of an oracle's answers.

    Raises:
        ValueError: There is no picture, or the classifier takes other images or knows another number of classes.
        OracleError: An answer is missing or incomplete; says for which picture.
    """
    if not len(pixels):
        raise ValueError("there is no picture to ask about")
    if scores not in get_args(Scores):
        raise ValueError(f"scores are {' or '.join(get_args(Scores))}, got {scores!r}")
    if isinstance(suspect, LocalOracle):
        suspect = suspect.model
    if isinstance(suspect, Classifier):
        return _of_classifier(suspect, pixels, class_count)
    return _of_oracle(suspect, pixels, class_count, scores, work or Work())


def check_model(
    model: Classifier, image_shape: Sequence[int], class_count: int, *, what: str = "these pictures"
) -> None:
    """Refuse a classifier of other images or other classes than those asked about, which `what` names."""
    if model.image_shape != tuple(image_shape) or model.class_count != class_count:
        raise ValueError(
            f"{model.name} takes images of shape {model.image_shape} and knows {model.class_count} classes; "
            f"{what} have shape {tuple(image_shape)} and are for {class_count}"
        )


def identity(suspect: Suspected) -> str:
    """Return what tells suspects apart: the digest of the weights, or a hash of what the oracle says it is."""
    if isinstance(suspect, LocalOracle):
        suspect = suspect.model
    if isinstance(suspect, Classifier):
        return suspect.digest()
    return hashlib.sha256(repr(sorted(suspect.describe().items())).encode()).hexdigest()


def _of_classifier(model: Classifier, pixels: Pixels, class_count: int) -> Probabilities:
    check_model(model, pixels.shape[1:], class_count)
    logits = compute_logits(make_quick_copy(model), pixels).double()
    if not logits.isfinite().all():
        raise ValueError(f"{model.name} gives logits that are not finite, so it cannot be compared")
    return logits.softmax(1)


def _of_oracle(oracle: Oracle, pixels: Pixels, class_count: int, scores: Scores, work: Work) -> Probabilities:
    work = work.bind_to(identity(oracle), hashlib.sha256(pixels.tobytes()).hexdigest(), pixels.shape, scores)
    total = len(pixels)

    def row(index: int) -> Probabilities:
        place = f"picture {index + 1} of {total}"
        return row_of(oracle.ask(Picture.of(pixels[index])), class_count, scores, place)[None]

    return work.make_rows(STATE, total, row, "asking", every=SAVED_EVERY)


def row_of(answer: Answer, class_count: int, scores: Scores, place: str) -> Float64[Tensor, " classes"]:
    """Return the probabilities in one answer.

    Args:
        answer: What the oracle said.
        class_count: How many classes there have to be.
        scores: What its scores are.
        place: Which picture this is, for messages.

    Raises:
        OracleError: There is no answer, a class is missing, unknown or scored twice, or scores are no probabilities.
    """
    if answer.problem is not None:
        raise OracleError(f"{place}: no usable answer ({answer.problem}); silence says nothing about a copy, ask again")
    if not answer.ranking:
        raise OracleError(
            f"{place}: the oracle tells a label and no scores; this comparison needs the probability of every class, "
            "examples that are told by labels do not (C-examples)"
        )
    indices = [index for index, _ in answer.ranking]
    known = {index for index in indices if index is not None and 0 <= index < class_count}
    if len(known) < len(indices):
        raise OracleError(
            f"{place}: {len(indices)} scores, but only {len(known)} of them are for a class of ours of its own; check "
            f"the label map, and that the oracle knows the same {class_count} classes"
        )
    if len(known) < class_count:
        missing = ", ".join(map(str, sorted(set(range(class_count)) - known)[:5]))
        raise OracleError(
            f"{place}: scores for {len(known)} of {class_count} classes (missing are {missing}, ...); this comparison "
            "needs all of them"
        )
    values = torch.empty(class_count, dtype=torch.float64)
    values[torch.tensor(indices)] = torch.tensor([score for _, score in answer.ranking], dtype=torch.float64)
    return values.softmax(0) if scores == "logits" else _normalised(values, place)


def _normalised(values: Float64[Tensor, " classes"], place: str) -> Float64[Tensor, " classes"]:
    total = values.sum().item()
    if values.min() < 0 or abs(total - 1) > SLACK:
        raise OracleError(
            f"{place}: scores from {values.min().item():.3g} on that add up to {total:.3g} are no probabilities; if "
            'they are logits, say so (scores="logits")'
        )
    return values / total
