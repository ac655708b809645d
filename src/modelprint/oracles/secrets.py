"""Credentials: named in an endpoint description, read from outside it, and never shown.

A description holds `${NAME}` (an environment variable) or `${file:PATH}` (a file beside it). `fill` puts the value
in just before a request leaves; `blank` puts `***` in its place for people; `mask` finds the values again in what a
server sends back, since a hostile or careless server may echo them.
"""

import base64
import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from modelprint.errors import EndpointError

MASK = "***"
SHORTEST_SECRET = 4
"""Values shorter than this are not looked for in replies: a masked "1" would hide half of what a server says."""
FILE_LIMIT = 64 * 1024
TEXT_LIMIT = 300
"""Longest text of a server that we repeat, in characters."""
QUOTE_LIMIT = 200
"""How much of an unreadable reply we repeat, in characters."""
PATTERN_LIMIT = 512
"""How many characters of a secret are looked for in every spelling; what follows them up to a space is masked too."""

DROPPED = 20 * PATTERN_LIMIT
"""Characters of the longest spelling: ten for a character, and white space twice, escaped four times, behind it."""
START_LIMIT = 2 * DROPPED
"""Characters of a long text that are looked at."""

_GAPS = re.compile(r"(?:\s|\\{1,4}[nrt]){3,}+")
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[^{}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Secrets:
    """The values behind the placeholders of one endpoint description.

    Attributes:
        values: Placeholder name, as written between the braces, to its value; never printed.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def fill(self, text: str) -> str:
        """Return `text` with every placeholder replaced by its value."""
        return _PLACEHOLDER.sub(lambda match: self.values[match["name"]], text)

    def blank(self, text: str) -> str:
        """Return `text` with every placeholder replaced by `***`."""
        return _PLACEHOLDER.sub(MASK, text)

    def mask(self, text: str) -> str:
        """Return `text` without any of the values, however it may have been quoted or broken on its way."""
        for value in self._list_values():
            for form in _list_forms(value):
                text = text.replace(form, MASK)
            text = _compile_spellings(value).sub(MASK, text)
        return text

    def hides(self, number: int | float) -> bool:
        """Whether one of the values is found in `number`, which a server has sent as a number of JSON."""
        text = repr(number)
        return self.mask(text) != text or any(_read_number(value) == number for value in self._list_values())

    def clean(self, text: str) -> str:
        """Return the text of a server as one short printable line without secrets."""
        words = " ".join(self._mask_start(text).split())
        line = "".join(character if character.isprintable() else "?" for character in words)
        return line if len(line) <= TEXT_LIMIT else line[: TEXT_LIMIT - 3] + "..."

    def quote(self, content: bytes) -> str:
        """Return the start of a reply as one line without secrets; control characters are escaped."""
        words = " ".join(self._mask_start(content.decode("utf-8", errors="replace")).split())
        line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words[: QUOTE_LIMIT + 1])
        return line if len(line) <= QUOTE_LIMIT else f"{line[:QUOTE_LIMIT]}..."

    def _mask_start(self, text: str) -> str:
        """Return the start of a text, masked: more than is ever repeated, at a cost that no length can raise.

        The text is cut before it is masked, perhaps inside a secret. What is left of it is among the last characters,
        which are dropped: white space is shortened first, so that no spelling is longer than they are.
        """
        if len(text) <= START_LIMIT:
            return self.mask(text)
        start = self.mask(_GAPS.sub(" ", text[: START_LIMIT * 16])[:START_LIMIT])
        return start[: max(0, len(start) - DROPPED)]

    def _list_values(self) -> list[str]:
        """Return the values that are looked for, the longest first."""
        return sorted((v for v in self.values.values() if len(v) >= SHORTEST_SECRET), key=len, reverse=True)


def has_placeholder(text: str) -> bool:
    """Whether `text` takes a value from outside."""
    return _PLACEHOLDER.search(text) is not None


def collect(texts: Iterable[str], environ: Mapping[str, str], folder: Path) -> Secrets:
    """Look up every placeholder in `texts`.

    Args:
        texts: All texts of a description, as written.
        environ: Environment variables.
        folder: Where relative paths of `${file:PATH}` start.

    Raises:
        EndpointError: A placeholder has no value; the message names it.
    """
    values: dict[str, str] = {}
    for text in texts:
        if "${" in _PLACEHOLDER.sub("", text):
            raise EndpointError("a ${ without its closing brace; write ${NAME} or ${file:PATH}")
        for match in _PLACEHOLDER.finditer(text):
            values[match["name"]] = _read_value(match["name"], environ, folder)
    return Secrets(values)


def _read_value(name: str, environ: Mapping[str, str], folder: Path) -> str:
    if name.startswith("file:"):
        value = _read_file(folder / name.removeprefix("file:"), name)
    elif _VARIABLE.fullmatch(name):
        if name not in environ:
            raise EndpointError(f"the environment variable {name} is not set; export it before the run")
        value = environ[name]
    else:
        raise EndpointError(f"${{{name}}} is neither an environment variable nor ${{file:PATH}}")
    if not value:
        raise EndpointError(f"${{{name}}} is empty")
    if not value.isascii() or not value.isprintable():
        raise EndpointError(f"${{{name}}} holds a line break or another character that no header can carry")
    return value


def _read_file(path: Path, name: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise EndpointError(f"${{{name}}} is not a regular file")
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError as problem:
        raise EndpointError(f"${{{name}}} cannot be read: {problem.strerror}") from None
    if len(content) > FILE_LIMIT:
        raise EndpointError(f"${{{name}}} is longer than {FILE_LIMIT} bytes, which is no secret")
    return content.decode("utf-8", errors="replace").strip()


@lru_cache(maxsize=32)
def _list_forms(value: str) -> list[str]:
    encoded = base64.b64encode(value.encode()).decode()
    quoted = {json.dumps(value)[1:-1], repr(value)[1:-1], html.escape(value), quote(value), quote(value, safe="")}
    number = _read_number(value)
    numbers = set() if number is None else {repr(number), value.lstrip("0")}
    forms = {value, encoded, *quoted, *(form for form in numbers if len(form) >= SHORTEST_SECRET)}
    return sorted(forms, key=len, reverse=True)


def _read_number(value: str) -> float | None:
    """Return the number that a value is, if it is one: a PIN comes back without its leading zeros."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@lru_cache(maxsize=32)
def _compile_spellings(value: str) -> re.Pattern[str]:
    """Return what matches `value` with any character escaped as in JSON, HTML or a URL, and white space in between."""
    shown = [character for character in value if not character.isspace()]
    if len(shown) < SHORTEST_SECRET:
        return re.compile(r"(?!)")
    gap = r"(?:\s|\\{1,4}[nrt])*+"  # possessive: the time stays proportional to the text
    pattern = gap.join(_list_spellings(character) for character in shown[:PATTERN_LIMIT])
    return re.compile(pattern + (r"\S*+" if len(shown) > PATTERN_LIMIT else ""))


def _list_spellings(character: str) -> str:
    """Return a pattern for one ASCII character."""
    code = ord(character)
    spellings = [
        re.escape(character),
        rf"(?i:\\{{1,4}}(?:u00|x){code:02x})",
        rf"(?i:%(?:25)?{code:02x})",
        rf"(?i:&#(?:0{{0,4}}{code}|x0{{0,4}}{code:x});)",
    ]
    if not character.isalnum():
        spellings += [rf"\\{{1,4}}{re.escape(character)}", re.escape(html.escape(character))]
    return f"(?:{'|'.join(spellings)})"
