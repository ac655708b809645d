"""A small part of JSONPath: enough to say where the label is in a reply. Nothing in it is run as code.

$                the whole reply
$.result         the member "result" of an object; letters, digits, "_" and "-"
$["top class"]   the same for any other name
$.result[0]      the first element of a list
$.result[*]      every element of a list, or every value of an object

A path goes on inside a text that is JSON: `$.body.label` reads a reply whose `body` is the text of an object.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainValidator

from modelprint.errors import OracleError
from modelprint.oracles.json_text import open_text

LENGTH_LIMIT = 500
"""Longest path we read, in characters."""

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*)
      | \[(?P<index>\d{1,9})\]
      | \[(?P<every>\*)\]
      | \["(?P<double>[^"]*)"\]
      | \['(?P<single>[^']*)'\]""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Step:
    """One step down into a reply.

    Attributes:
        key: A member's name, an element's index, or None for every child.
    """

    key: str | int | None

    def follow(self, value: object) -> list[object]:
        """Return the children of `value` that this step reaches; none when it does not fit."""
        value = open_text(value)
        if self.key is None:
            return list(value) if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        if isinstance(self.key, int):
            return [value[self.key]] if isinstance(value, list) and self.key < len(value) else []
        return [value[self.key]] if isinstance(value, dict) and self.key in value else []


@dataclass(frozen=True)
class JsonPath:
    """A place in a JSON document.

    Attributes:
        text: The path as it was written.
        steps: The way down from the top.
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: object) -> "JsonPath":
        """Read a path; ValueError shows the first character that cannot be read."""
        if isinstance(text, cls):
            return text
        if not isinstance(text, str) or not text.startswith("$") or len(text) > LENGTH_LIMIT:
            raise ValueError("expected a path such as $.result[0].label")
        steps, position = [], 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise ValueError(f"the path {text!r} makes no sense from {text[position:]!r} on")
            steps.append(_parse_step(match))
            position = match.end()
        return cls(text, tuple(steps))

    def find_all(self, document: object) -> list[object]:
        """Return every value the path reaches, in the document's order."""
        values = [document]
        for step in self.steps:
            values = [child for value in values for child in step.follow(value)]
        return values

    def find_one(self, document: object) -> object:
        """Return the only value the path reaches; OracleError when there is none or more than one."""
        values = self.find_all(document)
        if len(values) != 1:
            raise OracleError(f"the reply has {len(values) or 'no'} values at {self.text}, expected one")
        return values[0]


def _parse_step(match: re.Match[str]) -> Step:
    if match["every"] is not None:
        return Step(None)
    if match["index"] is not None:
        return Step(int(match["index"]))
    return Step(next(name for name in (match["name"], match["double"], match["single"]) if name is not None))


Path = Annotated[JsonPath, PlainValidator(JsonPath.parse)]
"""A `JsonPath` as a field of an endpoint description, written as text."""
