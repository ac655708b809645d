"""Tables as data: every grid of a report becomes a CSV file, and a page of Markdown prints only the short ones.

A folder of data holds one CSV file for each grid, named after its section (`rates.csv`, `methods.csv`,
`methods-2.csv`), and `report.json` with everything else: the command, facts, paragraphs, remarks, and what each file
shows. Values are those of the report, digit for digit. A column with intervals becomes three: the value, its low and
its high end. A missing value is an empty cell. A column `marked` names the columns that stand out in that row.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from modelprint.cache import write_text_atomically
from modelprint.pages.grids import NONE, Grid, Section, Value

LIMIT = 12
"""Rows of a grid that Markdown prints in full."""

SHOWN = 5
"""Rows that stand for a long grid without numbers."""

RECORD = "report.json"

MARKED = "marked"

INTERVAL = re.compile(r"(\S+) to (\S+)")


def write_tables(sections: Iterable[Section], folder: Path, *, title: str = "") -> tuple[Path, ...]:
    """Write a CSV file for each grid of `sections`, and `report.json`, into `folder`; returns where they are.

    Args:
        sections: Of the report, with their whole grids.
        folder: Need not exist.
        title: Of the report.
    """
    named = tuple(name_grids(sections))
    files = {name: render_csv(grid) for _, grids in named for name, grid in grids.items()}
    files[RECORD] = json.dumps(_build_record(title, named), indent=1, ensure_ascii=False) + "\n"
    for name, text in files.items():
        write_text_atomically(folder / name, text)
    return tuple(folder / name for name in files)


def name_grids(sections: Iterable[Section]) -> Iterator[tuple[Section, Mapping[str, Grid]]]:
    """Yield each section with those of its grids that have rows, by the name of their file."""
    for section in sections:
        numbers = count(1)
        grids = [(next(numbers), grid) for grid in section.grids if grid.rows]
        yield section, {f"{section.name}{f'-{n}' if n > 1 else ''}.csv": grid for n, grid in grids}


def shorten_tables(sections: Iterable[Section], folder: str) -> tuple[Section, ...]:
    """Return the sections as Markdown prints them: a long grid becomes a summary, a folded one a link to its file.

    Args:
        sections: Of the report.
        folder: Where the files lie, as seen from the page.
    """
    return tuple(
        replace(section, grids=tuple(_shorten(grid, f"{folder}/{name}") for name, grid in grids.items()))
        for section, grids in name_grids(sections)
    )


def render_csv(grid: Grid) -> str:
    """Return a grid as CSV with one line of column names; numbers are numbers, and a missing value is empty."""
    columns = [_split_column(grid, index, name) for index, name in enumerate(_name_columns(grid))]
    names = [name for column in columns for name in column]
    lists = [cells for column in columns for cells in column.values()]
    if marked := _list_marked(grid):
        names, lists = [*names, MARKED], [*lists, marked]
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*lists, strict=True))
    return content.getvalue()


def summarise(grid: Grid) -> Grid:
    """Return the means and the lowest, median and highest value of each column of numbers; else the first rows.

    The median of an even number of values is the lower of the middle two, so that each figure is one of the grid.
    """
    means, others = grid.rows[: grid.means], grid.rows[grid.means :]
    ranked = {index: _rank(others, index) for index, value in enumerate(grid.head) if value.number}
    known = {index: values for index, values in ranked.items() if values}
    if not known:
        return replace(grid, rows=grid.rows[:SHOWN])
    rows = (
        *((row[0], *(row[index] for index in known)) for row in means),
        (Value(text="lowest"), *(values[0] for values in known.values())),
        (Value(text="median"), *(values[(len(values) - 1) // 2] for values in known.values())),
        (Value(text="highest"), *(values[-1] for values in known.values())),
    )
    return replace(grid, head=(Value(text="of each column"), *(grid.head[index] for index in known)), rows=rows)


def _rank(rows: Sequence[tuple[Value, ...]], index: int) -> list[Value]:
    """Return the numbers of a column, the lowest first, without notes and marks."""
    found = {row[index].text: size for row in rows if (size := _parse_number(row[index].text)) is not None}
    texts = sorted((row[index].text for row in rows if row[index].text in found), key=found.__getitem__)
    return [Value(text=text, number=True) for text in texts]


def _shorten(grid: Grid, file: str) -> Grid:
    if grid.folded:
        return replace(grid, rows=(), file=file)
    if len(grid.rows) <= LIMIT:
        return replace(grid, file=file)
    brief = summarise(grid)
    what = "The first rows" if brief.head == grid.head else "A summary"
    return replace(brief, caption=f"{grid.caption} {what} of {len(grid.rows)} rows.", file=file)


def _split_column(grid: Grid, index: int, name: str) -> dict[str, list[str]]:
    """Return the columns that one column of a grid becomes, by name."""
    values = [row[index] for row in grid.rows]
    columns = {name: ["" if value.text == NONE else value.text for value in values]}
    notes = [value.note for value in values]
    ends = [INTERVAL.fullmatch(note) for note in notes if note]
    if ends and all(ends):
        parts = [INTERVAL.fullmatch(note) for note in notes]
        columns[f"{name}, low"] = [part[1] if part else "" for part in parts]
        columns[f"{name}, high"] = [part[2] if part else "" for part in parts]
    elif ends:
        columns[_note_name(name)] = notes
    return columns


def _name_columns(grid: Grid) -> list[str]:
    """Return a name for each column; one that several columns have follows the name of the column before it."""
    names = [f"{value.text}, {value.note}" if value.note else value.text for value in grid.head]
    return [
        f"{names[index - 1]}, {name}" if index > 0 and names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _note_name(name: str) -> str:
    return f"{name}, note"


def _list_marked(grid: Grid) -> list[str]:
    """Return which columns stand out in each row; nothing when none does."""
    names = _name_columns(grid)
    found = []
    for row in grid.rows:
        marks = [name for name, value in zip(names, row, strict=True) if value.marked or value.strong]
        marks += [_note_name(name) for name, value in zip(names, row, strict=True) if value.note_strong]
        found.append("; ".join(marks))
    return found if any(found) else []


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _build_record(title: str, named: Iterable[tuple[Section, Mapping[str, Grid]]]) -> dict[str, object]:
    """Return what a report says outside its grids."""
    return {"title": title, "sections": [_describe_section(section, grids) for section, grids in named]}


def _describe_section(section: Section, grids: Mapping[str, Grid]) -> dict[str, object]:
    record: dict[str, object] = {
        "name": section.name,
        "title": section.title,
        "command": section.code,
        "facts": dict(section.facts),
        "text": list(section.text),
        "tables": [{"file": name, "shows": grid.caption, "rows": len(grid.rows)} for name, grid in grids.items()],
        "items": [
            {"title": item.title, "points": list(item.points), "remark": list(item.remark or ())}
            for item in section.items
        ],
    }
    return {key: value for key, value in record.items() if value}
