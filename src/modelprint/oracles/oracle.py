"""The interface to everything that answers: one picture in, one answer out. Needs no torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from modelprint.pixels import Picture

RANKING_LIMIT = 1000
"""How many of a server's scores an answer keeps."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of an oracle to one picture. An error or a tie is an answer too, and never a mismatch.

    Attributes:
        label: Class index in the fingerprint's order; None when there was no usable answer.
        named: The label exactly as the server wrote it; None when there was none.
        tie: The two leading printed scores are equal, so the label is arbitrary.
        ranking: Class indices and scores, best first, when the server offers scores.
        printed: The scores of `ranking` as text, with the digits that the server wrote; empty when they are unknown.
        problem: Why there is no label: one line, no secrets; None when there is one.
        server: What the server says about itself: version, deployment, cache headers.
        status: HTTP status of the last attempt; None when no HTTP was spoken.
        attempts: How many requests it took.
        latency_ms: Duration of the last attempt in milliseconds.
    """

    label: int | None = None
    named: str | int | None = None
    tie: bool = False
    ranking: tuple[tuple[int | None, float], ...] = ()
    printed: tuple[str, ...] = ()
    problem: str | None = None
    server: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    attempts: int = 1
    latency_ms: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether this answer may count as a match or a mismatch."""
        return self.label is not None and not self.tie


@runtime_checkable
class Oracle(Protocol):
    """Anything that answers with labels: a remote endpoint, a local classifier, an ONNX file, a recording."""

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; trouble (time-outs, 500s, garbage) is an Answer with a `problem`, not an exception.

        The first question is the exception: when there is no connection at all, an oracle may raise EndpointError.
        """

    def describe(self) -> dict[str, str]:
        """Say what is being asked, without secrets; goes into transcripts and reports."""


@runtime_checkable
class KnownModel(Oracle, Protocol):
    """An oracle whose model is available locally, so that one that does not fit can be refused before it is asked."""

    def model_digest(self) -> str:
        """Return the digest of the weights."""

    def check_fit(self, image_shape: tuple[int, int, int], class_count: int, subject: str) -> None:
        """Raise ValueError when the model takes images of another shape or knows another number of classes.

        Args:
            image_shape: Channels, height and width of what it is asked about.
            class_count: Number of classes it should know.
            subject: What it is asked about, for the message, e.g. "these pictures".
        """


def answer_logits(logits: Float32[np.ndarray, " classes"]) -> Answer:
    """Return the answer of a model whose logits are known: the first of the greatest, and a tie when there are more."""
    label = int(logits.argmax())
    best = np.argsort(-logits, kind="stable")[:RANKING_LIMIT]
    return Answer(
        label=label,
        named=label,
        tie=int((logits == logits[label]).sum()) > 1,
        ranking=tuple((int(index), float(logits[index])) for index in best),
        printed=tuple(str(logits[index]) for index in best),
    )


def identify(oracle: Oracle) -> str:
    """Return 64 hexadecimal digits that tell oracles apart: the digest of the weights, or a hash of the description."""
    if isinstance(oracle, KnownModel):
        return oracle.model_digest()
    return hashlib.sha256(repr(sorted(oracle.describe().items())).encode()).hexdigest()
