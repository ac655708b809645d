"""A temperature that a server divides its logits by, found from its answers. Needs no torch.

Temperature scaling (C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017) is done after training, often
at the server, and changes every probability but no label. It is one number. When it brings all scores within three
floors, the model is the sealed one behind another temperature: no other change of a model does the same on several
pictures.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.scores.deviation import deviate, read_logs
from modelprint.scores.form import ScoreForm
from modelprint.scores.printed import Printed

RANGE = (0.05, 50.0)
"""Temperatures that are believed."""
REFINEMENTS = 3
"""How often the estimate is repeated with the weights that follow from the one before."""


def find_temperature(
    answers: Sequence[tuple[Printed, ExpectedScores]], form: ScoreForm, floor: float, multiple: float
) -> float | None:
    """Return the temperature that explains all answers, or None when none does.

    Args:
        answers: Printed scores with the sealed ones; only pictures whose sealed scores have every class can be used.
        form: How the server prints scores, at a temperature of 1.
        floor: Largest honest change of a log-probability.
        multiple: How many floors are honest.
    """
    if form.scale == "unknown" or not answers or any(expected.classes for _, expected in answers):
        return None
    temperature = 1.0
    for _ in range(REFINEMENTS):
        estimate = _estimate(answers, form, floor / temperature)
        if estimate is None or not RANGE[0] < estimate < RANGE[1]:
            return None
        temperature = estimate
    found = replace(form, temperature=temperature)
    far = [deviate(printed, found, expected, floor) for printed, expected in answers]
    return temperature if all(one is not None and one.largest <= multiple for one in far) else None


def _estimate(answers: Sequence[tuple[Printed, ExpectedScores]], form: ScoreForm, floor: float) -> float | None:
    """Return the least-squares temperature: printed gaps of log-probabilities over sealed ones, by their exactness."""
    above = below = 0.0
    for printed, expected in answers:
        seen = read_logs(printed, form)
        usable = np.isfinite(seen.low) & np.isfinite(seen.high)
        if usable.sum() < 2:
            continue
        logs, spread = (seen.low + seen.high)[usable] / 2, (seen.high - seen.low)[usable] / 2
        weights = 1 / (spread**2 + floor**2)
        sealed = np.array(expected.logs)[printed.classes][usable]
        sealed = sealed - np.average(sealed, weights=weights)
        logs = logs - np.average(logs, weights=weights)
        above += float((weights * sealed * sealed).sum())
        below += float((weights * sealed * logs).sum())
    return above / below if below > 0 else None
