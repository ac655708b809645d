"""Replies of servers, read as hostile input: size, depth, types and numbers are checked before use."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from modelprint.errors import OracleError
from modelprint.oracles.json_text import PrintedNumber, parse_json, remove_single_axes
from modelprint.oracles.oracle import RANKING_LIMIT

LABEL_LIMIT = 200
"""Longest label we accept, in characters."""

Named = str | int

_NUMBER = re.compile(r"\s{0,20}[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,4})?\s{0,20}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The answer in one reply about one picture, as the server wrote it.

    Attributes:
        named: The label as the server wrote it.
        ranking: Labels and printed scores, best first.
        tie: The two leading scores are equal.
        width: Length of the score vector whose positions are the labels; None when labels were named.
        falling: No score of that vector is greater than the one before it, as in a list that is sorted by score.
        hints: What the reply says about the server, e.g. a model version.
    """

    named: Named
    ranking: tuple[tuple[Named, PrintedNumber], ...] = ()
    tie: bool = False
    width: int | None = None
    falling: bool = False
    hints: Mapping[str, str] = field(default_factory=dict)


def read_label(value: object) -> Named:
    """Return `value` as a label: a text, or a whole number that is not a truth value; also alone in a list."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        if not 0 < len(value) <= LABEL_LIMIT:
            raise OracleError(f"the label is {len(value)} characters long, expected 1 to {LABEL_LIMIT}")
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    raise OracleError(f"the label is {_describe_kind(value)}, expected a text or a whole number")


def read_score(value: object) -> PrintedNumber:
    """Return `value` as a finite score; a text such as "0.93" is the number that it shows."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = PrintedNumber(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        score = value if isinstance(value, PrintedNumber) else PrintedNumber(_write_number(value))
        if math.isfinite(score):
            return score
        raise OracleError("a score is not a finite number")
    raise OracleError(f"a score is {_describe_kind(value)}, expected a number")


def read_ranking(
    scores: Sequence[tuple[Named, PrintedNumber]], *, width: int | None = None, hints: Mapping[str, str] | None = None
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
    scores = [read_score(value) for value in values]
    reading = read_ranking(list(enumerate(scores)), width=len(scores), hints=hints)
    return replace(reading, falling=all(left >= right for left, right in pairwise(scores)))


def read_document(document: object, hints: Mapping[str, str] | None = None) -> Reading:
    """Return the reading of a document in a usual form.

    These are a list of objects with `label` and `score`, an object from label to score, an object with a `label`, and a
    list of scores in class order.
    """
    document = remove_single_axes(document)
    if isinstance(document, dict):
        if "label" in document:
            return Reading(named=read_label(document["label"]), hints=hints or {})
        return read_ranking([(read_label(label), read_score(score)) for label, score in document.items()], hints=hints)
    if isinstance(document, list) and document and all(isinstance(item, dict) for item in document):
        pairs = [(read_label(item.get("label")), read_score(item.get("score"))) for item in document]
        return read_ranking(pairs, hints=hints)
    if isinstance(document, list) and len(document) == 1:
        return Reading(named=read_label(document), hints=hints or {})
    if isinstance(document, list):
        return read_vector(document, hints)
    raise OracleError("the reply holds a text that is neither a label nor a document with labels or scores")


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


def _write_number(number: int | float) -> str:
    """Return a number as text; one that is too large for a float is infinite."""
    try:
        return repr(float(number)) if isinstance(number, float) else str(number)
    except ValueError:  # thousands of digits
        return "inf"


def _describe_kind(value: object) -> str:
    names: dict[type, str] = {type(None): "null", bool: "a truth value", list: "a list", dict: "an object"}
    return names.get(type(value), "a text" if isinstance(value, str) else "a number out of range")
