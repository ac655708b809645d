"""The probability of every class for each picture: of a local classifier, or of an oracle that gives scores."""

from typing import get_args

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import compute_logits
from modelprint.oracles.local import LocalOracle, check_model
from modelprint.oracles.oracle import Oracle, identify
from modelprint.ownership.rankings import Scores, read_probabilities
from modelprint.pixels import Picture, Pixels
from modelprint.progress import Progress, ignore_progress, track_steps

Probabilities = Float64[Tensor, "n classes"]
"""Probability of every class, which add up to 1."""
Suspected = Classifier | Oracle
"""A suspect: a local classifier, or an oracle that gives scores."""


def ask_probabilities(
    suspect: Suspected,
    pixels: Pixels,
    class_count: int,
    *,
    scores: Scores = "probabilities",
    progress: Progress = ignore_progress,
) -> Probabilities:
    """Return the probability that `suspect` gives to every class of each picture.

    Args:
        suspect: A classifier, or an oracle that is asked about one picture after the other.
        pixels: The pictures, as they travel.
        class_count: How many classes there have to be.
        scores: What the scores of an oracle are; a classifier gives logits anyhow.
        progress: Called after every answer of an oracle.

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
        return _compute(suspect, pixels, class_count)
    return _ask(suspect, pixels, class_count, scores, progress)


def identify_suspect(suspect: Suspected) -> str:
    """Return what tells suspects apart: the digest of the weights, or a hash of what the oracle says it is."""
    return suspect.digest() if isinstance(suspect, Classifier) else identify(suspect)


def _compute(model: Classifier, pixels: Pixels, class_count: int) -> Probabilities:
    check_model(model, pixels.shape[1:], class_count)
    logits = compute_logits(make_quick_copy(model), pixels).double()
    if not logits.isfinite().all():
        raise ValueError(f"{model.name} gives logits that are not finite, so it cannot be compared")
    return logits.softmax(1)


def _ask(oracle: Oracle, pixels: Pixels, class_count: int, scores: Scores, progress: Progress) -> Probabilities:
    total = len(pixels)
    rows = [
        read_probabilities(oracle.ask(Picture.of(one)), class_count, scores, f"picture {number} of {total}")
        for number, one in enumerate(track_steps("asking", pixels, total, progress), start=1)
    ]
    return torch.tensor(np.stack(rows))
