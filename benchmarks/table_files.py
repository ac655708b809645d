"""Write the Markdown tables that a benchmark prints as the data files of a page of results.

    python benchmarks/margins.py plans/table1-cifar10.toml > margins.md
    python benchmarks/table_files.py margins.md docs/results/data/margins-cifar10 margins

Writes `margins.csv`, `margins-2.csv`, ... and adds them, with the command, to `report.json` in the same folder. Under a
heading `## name` files are named after the heading instead. A column of per cent signs loses them to its name, and a
number with an interval in brackets becomes three columns.
"""

import argparse
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from modelprint.cache import write_text_atomically
from modelprint.pages.grids import Grid, Section, Value
from modelprint.pages.tables import RECORD, write_tables

NUMBER = re.compile(r"(?P<text>[-+]?\d+(\.\d+)?(e[-+]\d+)?)( \((?P<note>[^()]*)\))?|-|")


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("markdown", type=Path, help="what the benchmark printed")
    parser.add_argument("folder", type=Path, help="folder of the data")
    parser.add_argument("name", help="of the files, where no heading gives one")
    parser.add_argument("--command", default="", help="what printed it, for the record")
    given = parser.parse_args()
    write(given.markdown.read_text(), given.folder, given.name, given.command)


def write(markdown: str, folder: Path, name: str, command: str = "") -> None:
    """Write the files of some Markdown; the record keeps what it says of other sections."""
    record = folder / RECORD
    before = json.loads(record.read_text()) if record.is_file() else {"title": folder.name, "sections": []}
    write_tables(read_sections(markdown, name, command), folder)
    made = json.loads(record.read_text())["sections"]
    others = [section for section in before["sections"] if section["name"] not in {one["name"] for one in made}]
    joined = {"title": before["title"], "sections": [*others, *made]}
    write_text_atomically(record, json.dumps(joined, indent=1, ensure_ascii=False) + "\n")


def read_sections(markdown: str, name: str, command: str) -> Iterator[Section]:
    """Yield a section for each heading that has tables, the first for what comes before all headings."""
    for heading, text in zip(*[iter(["", *re.split(r"^## (.*)\n", markdown, flags=re.MULTILINE)])] * 2, strict=True):
        if found := tuple(read_grids(text)):
            yield Section(name=heading or name, title=heading or name, code=command, grids=found)


def read_grids(text: str) -> Iterator[Grid]:
    """Yield the tables of a text, each with the paragraph before it as its caption."""
    caption = ""
    for kind, lines in groupby(text.splitlines(), lambda line: "table" if line.startswith("|") else bool(line.strip())):
        if kind == "table":
            yield read_grid([[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines], caption)
            caption = ""
        elif kind:
            caption = " ".join(lines)


def read_grid(table: list[list[str]], caption: str) -> Grid:
    """Return a table, the second line of which says how columns are aligned."""
    head, _, *body = table
    columns = [read_column([name, *cells]) for name, cells in zip(head, zip(*body, strict=True), strict=True)]
    heads, *rows = zip(*columns, strict=True)
    return Grid(caption=caption, head=heads, rows=tuple(rows))


def read_column(texts: list[str]) -> list[Value]:
    """Return the values of a column, its name first."""
    name, *cells = texts
    bare = [cell.replace("%", "") for cell in cells]
    found = [NUMBER.fullmatch(cell) for cell in bare]
    if not all(found):
        return [Value(text=text) for text in texts]
    if any("%" in cell for cell in cells):
        name = f"{name}, %"
    values = [
        Value(text=part["text"] or "-", note=part["note"] or "", number=True) for part in found if part is not None
    ]
    return [Value(text=name, number=True), *values]


if __name__ == "__main__":
    main()
