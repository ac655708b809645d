"""What a report is made of, before it is Markdown or HTML: sections of sentences, facts, lists and grids of values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NONE = "-"
"""Stands where there is no number."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One entry of a grid.

    Attributes:
        text: What it says.
        note: What belongs to it in smaller print, e.g. an interval.
        number: Whether it is aligned as a number.
        heat: 0 to 1: how strongly it is coloured; None for not at all.
        marked: Whether it stands out, as something to look at.
        strong: Whether it stands out, as the best of its row.
        note_strong: Whether the note does.
    """

    text: str
    note: str = ""
    number: bool = False
    heat: float | None = None
    marked: bool = False
    strong: bool = False
    note_strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table.

    Attributes:
        caption: What it shows.
        head: One value for each column; the alignment is that of the column.
        rows: Values; the first of a row is its heading.
        folded: Whether it is a detail: closed on the page until someone opens it, and not printed in the Markdown.
        means: How many rows at the top are means of the others; a summary begins with them.
        file: Its data file, as seen from the Markdown; empty where there is none.
    """

    caption: str
    head: tuple[Value, ...]
    rows: tuple[tuple[Value, ...], ...]
    folded: bool = False
    means: int = 0
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry of a list.

    Attributes:
        title: What it is about.
        points: What there is to say.
        remark: Paragraphs in which a person says why; empty as long as there are none. None where none is asked for.
    """

    title: str = ""
    points: tuple[str, ...] = ()
    remark: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a report.

    Attributes:
        name: For links within the page, and by which figures find their section.
        title: Its heading.
        code: A command, shown as such.
        facts: Names and what they are.
        text: Paragraphs.
        grids: Tables.
        items: A list.
    """

    name: str
    title: str
    code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    text: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    items: tuple[Item, ...] = ()


def words(*texts: str) -> tuple[Value, ...]:
    """Return a value for each text."""
    return tuple(Value(text=text) for text in texts)


def numbers(*texts: str) -> tuple[Value, ...]:
    """Return a value aligned as a number for each text."""
    return tuple(Value(text=text, number=True) for text in texts)


def percent(rate: float | None, decimals: int = 1) -> str:
    """Return a rate from 0 to 1 as a number of per cent, without the sign."""
    return NONE if rate is None else f"{100 * rate:.{decimals}f}"


def points(difference: float) -> str:
    """Return a difference of rates as percentage points with a sign."""
    return f"{100 * difference:+.1f}"


def two_digits(value: float | None) -> str:
    """Return a number of any size with two digits that count."""
    if value is None:
        return NONE
    return f"{value:.1e}" if 0 < abs(value) < 1e-3 else f"{value:.2g}"


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values there are; None when there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def mapping(value: object) -> Mapping[str, object]:
    """Return `value` if it is a mapping, else an empty one: a file may hold anything."""
    return value if isinstance(value, Mapping) else {}


def format_value(value: object) -> str:
    """Return anything that a file may hold as text: nested mappings and lists in one line."""
    if value is None or value == "" or value == {} or value == []:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {format_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value))
    return str(value)


def number(value: object) -> float | None:
    """Return `value` if it is a number that a float can hold, else None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, _ = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{seconds / 60:.1f} min"
