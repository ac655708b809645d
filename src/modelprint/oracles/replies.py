"""Replies of servers, read as hostile input: size, depth, types and numbers are checked before use."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelprint.errors import OracleError

DEPTH_LIMIT = 32
LABEL_LIMIT = 200
"""Longest label we accept, in characters."""
RANKING_LIMIT = 10
"""How many of a server's scores an answer keeps."""

Named = str | int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The answer in one reply about one picture, as the server wrote it.

    Attributes:
        named: The label as the server wrote it.
        ranking: Labels and printed scores, best first.
        tie: The two leading scores are equal.
        width: Length of the score vector whose positions are the labels; None when labels were named.
        hints: What the reply says about the server, e.g. a model version.
    """

    named: Named
    ranking: tuple[tuple[Named, float], ...] = ()
    tie: bool = False
    width: int | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


def parse_json(content: bytes) -> object:
    """Return the JSON document in `content`; OracleError when it is none or is nested too deeply."""
    if not content.strip():
        raise OracleError("the reply is empty")
    try:
        document: object = json.loads(content)
    except RecursionError:
        raise OracleError("the reply is nested too deeply") from None
    except ValueError:  # also bytes that are no UTF-8, and integers of thousands of digits
        raise OracleError("the reply is not JSON") from None
    if _measure_depth(document) > DEPTH_LIMIT:
        raise OracleError(f"the reply is nested more than {DEPTH_LIMIT} levels deep")
    return document


def read_label(value: object) -> Named:
    """Return `value` as a label: a text, or a whole number that is not a truth value."""
    if isinstance(value, str):
        if not 0 < len(value) <= LABEL_LIMIT:
            raise OracleError(f"the label is {len(value)} characters long, expected 1 to {LABEL_LIMIT}")
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise OracleError(f"the label is {_describe_kind(value)}, expected a text or a whole number")


def read_score(value: object) -> float:
    """Return `value` as a finite score."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            score = float(value)
        except OverflowError:
            score = math.inf
        if math.isfinite(score):
            return score
        raise OracleError("a score is not a finite number")
    raise OracleError(f"a score is {_describe_kind(value)}, expected a number")


def read_ranking(
    scores: Sequence[tuple[Named, float]], *, width: int | None = None, hints: Mapping[str, str] | None = None
) -> Reading:
    """Return the reading of scored labels: the best one wins, and two equal best ones are a tie."""
    if not scores:
        raise OracleError("the reply holds no scores")
    best = sorted(scores, key=lambda pair: -pair[1])
    tie = len(best) > 1 and best[0][1] == best[1][1]
    kept = tuple(best[:RANKING_LIMIT])
    return Reading(named=best[0][0], ranking=kept, tie=tie, width=width, hints=hints or {})


def read_vector(values: Sequence[object], hints: Mapping[str, str] | None = None) -> Reading:
    """Return the reading of a full score vector, whose positions are the labels."""
    if len(values) < 2:
        raise OracleError(f"the reply holds {len(values)} scores, expected one per class")
    return read_ranking(
        [(index, read_score(value)) for index, value in enumerate(values)], width=len(values), hints=hints
    )


def read_complaint(content: bytes) -> str:
    """Return the human part of an error reply: the usual JSON members if there are any, else its text."""
    try:
        document = parse_json(content)
    except OracleError:
        return content.decode("utf-8", errors="replace")
    if isinstance(document, dict):
        said = (document.get(key) for key in ("error", "message", "detail", "error_code"))
        return "; ".join(json.dumps(part) if not isinstance(part, str) else part for part in said if part is not None)
    return document if isinstance(document, str) else ""


def _measure_depth(document: object) -> int:
    depth, level = 0, [document]
    while level and depth <= DEPTH_LIMIT:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, list | dict)
            for child in (value if isinstance(value, list) else value.values())
        ]
    return depth


def _describe_kind(value: object) -> str:
    names: dict[type, str] = {type(None): "null", bool: "a truth value", list: "a list", dict: "an object"}
    return names.get(type(value), "a text" if isinstance(value, str) else "a number out of range")
