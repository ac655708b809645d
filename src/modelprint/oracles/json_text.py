"""JSON from untrusted servers: a whole reply, or a text inside a reply that is JSON itself."""

import json

from modelprint.errors import OracleError

DEPTH_LIMIT = 32
TEXTS_LIMIT = 4
"""How many texts inside each other are opened."""
DIGITS_LIMIT = 60
"""Longest number whose digits are kept, in characters."""


class PrintedNumber(float):
    """A number that remembers how it was written: 0.10 is not 0.1, it has two decimals.

    Attributes:
        text: Its digits, at most DIGITS_LIMIT characters; the shortest ones of the same number where it had more.
    """

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> "PrintedNumber":
        """Read `text`, a number of JSON; ValueError when it is none."""
        number = super().__new__(cls, text)
        number.text = text if len(text) <= DIGITS_LIMIT else repr(float(number))
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # made from its text, not from a float
        """Return what a copy is made from."""
        return (self.text,)


def parse_json(content: bytes | str) -> object:
    """Return the JSON document in `content`; OracleError when it is none or is nested too deeply.

    Numbers with a point or an exponent are `PrintedNumber`s.
    """
    if not content.strip():
        raise OracleError("the reply is empty")
    try:
        document: object = json.loads(content, parse_float=PrintedNumber)
    except RecursionError:
        raise OracleError("the reply is nested too deeply") from None
    except ValueError:  # also bytes that are no UTF-8, and integers of thousands of digits
        raise OracleError("the reply is not JSON") from None
    if _measure_depth(document) > DEPTH_LIMIT:
        raise OracleError(f"the reply is nested more than {DEPTH_LIMIT} levels deep")
    return document


def open_text(value: object) -> object:
    """Return the JSON document that the text `value` is, e.g. the `body` of a Lambda reply; other values as they are.

    A service that calls `json.dumps` and lets its framework do so again sends such texts, even one inside another.
    """
    for _ in range(TEXTS_LIMIT):
        if not isinstance(value, str) or value[:20].lstrip()[:1] not in ("{", "[", '"'):
            return value
        try:
            value = parse_json(value)
        except OracleError:
            return value
    return value


def remove_single_axes(value: object) -> object:
    """Return nested lists without axes of length 1: `[[1, 2]]` and `[[1], [2]]` are `[1, 2]`; a lone value stays."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    while isinstance(value, list) and value and all(isinstance(item, list) and len(item) == 1 for item in value):
        value = [item[0] for item in value]
    return value


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
