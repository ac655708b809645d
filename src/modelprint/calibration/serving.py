"""A local classifier as an oracle that computes in a named precision, as a server would."""

from functools import partial

import torch

from modelprint.calibration.forms import Forms
from modelprint.calibration.profiles import PRECISIONS
from modelprint.calibration.silence import suppress_warnings
from modelprint.classifier import Classifier
from modelprint.errors import LoadingError
from modelprint.oracles.local import LocalOracle
from modelprint.pixels import Pixels


def serve_in(model: Classifier, precision: str, natural: Pixels | None = None) -> LocalOracle:
    """Return an oracle that answers as `model` does when it is computed in `precision`, one image at a time.

    Args:
        model: The classifier; left as it is.
        precision: A name in PRECISIONS.
        natural: Images that int8 takes the ranges of activations from.

    Raises:
        ValueError: There is no such precision.
        LoadingError: The classifier cannot be computed in it here.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"there is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    forms = Forms(model, natural)
    compute = partial(PRECISIONS[precision], forms)
    try:
        with suppress_warnings():
            compute(torch.zeros(1, *model.image_shape, dtype=torch.float64))  # conversions are made once, and here
    except Exception as problem:  # torch, exporters and runtimes fail in many ways
        reason = (str(problem).splitlines() or [""])[0]
        raise LoadingError(
            f"{model.name} cannot be computed in {precision} here: {type(problem).__name__}: {reason}"
        ) from problem
    return LocalOracle(model, precision=precision, compute=compute)
