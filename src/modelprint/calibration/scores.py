"""From the noise of honest serving to the scores that a fingerprint seals: log-probabilities, their floor, its null."""

from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from modelprint.calibration.noise import Noise
from modelprint.fingerprint.scores import SMALLEST_FLOOR, ExpectedScores, ScoreRecord, classes_to_keep
from modelprint.intervals import upper_bound
from modelprint.tensors import Logits

MULTIPLE = 3.0
"""A score beyond so many floors is not from honest serving."""
NO_VARIANT = "scores need at least one way of serving besides the reference"


def record_scores(noise: Noise, rows: Sequence[int], *, controls: Logits | None = None) -> ScoreRecord:
    """Return the scores to seal for some of the images whose noise was measured.

    The floor and the null are those of the samples. All images count for the rate at which honest serving exceeds three
    floors; natural ones move about twice as far as junctions, which makes the bound cautious.

    Args:
        noise: Logits in every way of serving, at least two.
        rows: The images that are samples, in their order.
        controls: Logits of the controls by the reference; None when there are none.

    Raises:
        ValueError: Only one way of serving was measured, so there is no noise.
    """
    if len(noise.logits) < 2:
        raise ValueError(NO_VARIANT)
    chosen = torch.as_tensor(list(rows))
    changes = _log_changes(noise)
    largest = {name: float(change[chosen].max()) for name, change in changes.items()}
    floor = max(SMALLEST_FLOOR, *largest.values())
    squares = {name: (change[chosen] ** 2).mean(1) / floor**2 for name, change in changes.items()}
    noisiest = max(squares.values(), key=lambda square: float(square.mean()))
    beyond = sum(int((change.amax(1) > MULTIPLE * floor).sum()) for change in changes.values())
    answers = sum(len(change) for change in changes.values())
    pictures = len(chosen) + (0 if controls is None else len(controls))
    return ScoreRecord(
        floor=floor,
        differ_rate=upper_bound(beyond, answers),
        samples=expected_scores(noise.reference[chosen], pictures),
        multiple=MULTIPLE,
        answers=answers,
        variants=largest,
        null=tuple(noisiest.tolist()),
        controls=() if controls is None else expected_scores(controls, pictures),
    )


def expected_scores(logits: Logits, picture_count: int | None = None) -> tuple[ExpectedScores, ...]:
    """Return the log-probabilities to seal for each image: of all classes where a file can hold them.

    Args:
        logits: By the reference.
        picture_count: Of how many images the file has scores; as many as there are logits when None.
    """
    logs = logits.double().log_softmax(1)
    kept = classes_to_keep(logs.shape[1], picture_count or len(logs))
    if kept == logs.shape[1]:
        return tuple(ExpectedScores(logs=tuple(row)) for row in logs.clamp(max=0).tolist())
    best = logs.topk(kept, dim=1)
    rest = (1 - best.values.exp().sum(1)).clamp(0, 1)
    return tuple(
        ExpectedScores(logs=tuple(row), classes=tuple(classes), rest=left)
        for row, classes, left in zip(
            best.values.clamp(max=0).tolist(), best.indices.tolist(), rest.tolist(), strict=True
        )
    )


def _log_changes(noise: Noise) -> dict[str, Float64[Tensor, "n classes"]]:
    """Return how far each way of serving moves every log-probability."""
    reference = noise.reference.log_softmax(1)
    return {
        name: (logits.log_softmax(1) - reference).abs()
        for name, logits in noise.logits.items()
        if name != noise.reference_name
    }
