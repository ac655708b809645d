"""What tests of printed scores share: answers that a server of known logits prints."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from modelprint.fingerprint.scores import ExpectedScores
from modelprint.oracles.oracle import Answer
from modelprint.scores.printed import Printed, read_printed

Write = Callable[[float], str]


def make_expected(logits: Sequence[float], kept: int | None = None) -> ExpectedScores:
    """Return the sealed scores of a picture with these logits."""
    values = np.array(logits, dtype=float)
    logs = values - np.log(np.exp(values).sum())
    if kept is None:
        return ExpectedScores(logs=tuple(logs.tolist()))
    order = np.argsort(-logs)[:kept]
    rest = float(1 - np.exp(logs[order]).sum())
    return ExpectedScores(logs=tuple(logs[order].tolist()), classes=tuple(order.tolist()), rest=rest)


def make_printed(
    logits: Sequence[float], write: Write = repr, *, scale: str = "probabilities", listed: int | None = None
) -> Printed:
    """Return what a server of these logits prints."""
    values = np.array(logits, dtype=float)
    shares = np.exp(values - values.max())
    shares /= shares.sum()
    scores = {"probabilities": shares, "percent": 100 * shares, "logits": values}[scale]
    order = np.argsort(-scores, kind="stable")[:listed]
    texts = [write(float(scores[index])) for index in order]
    answer = Answer(
        label=int(order[0]),
        ranking=tuple((int(index), float(text)) for index, text in zip(order, texts, strict=True)),
        printed=tuple(texts),
    )
    printed = read_printed(answer, len(logits))
    assert printed is not None
    return printed


@pytest.fixture(scope="session")
def expected() -> Callable[..., ExpectedScores]:
    """Return the maker of sealed scores."""
    return make_expected


@pytest.fixture(scope="session")
def printed() -> Callable[..., Printed]:
    """Return the maker of printed scores."""
    return make_printed


@pytest.fixture(scope="session")
def pictures() -> list[list[float]]:
    """The logits of twenty pictures of ten classes, from a hundredth to ten apart."""
    rng = np.random.default_rng(3)
    return [(rng.normal(size=10) * spread).tolist() for spread in np.geomspace(0.01, 10, 20)]
