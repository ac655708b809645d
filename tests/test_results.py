"""Every figure in a table of docs/results comes from a data file that its page links to."""

import csv
import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

RESULTS = Path(__file__).parent.parent / "docs" / "results"
DATA = RESULTS / "data"

PAGES = sorted(page for page in RESULTS.glob("*.md") if "](data/" in page.read_text())
REMARKS = sorted((RESULTS.parent.parent / "plans" / "remarks").glob("*.toml"))
FOLDERS = sorted(path for path in DATA.iterdir() if path.is_dir())

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]\d+)?")


def names(paths: list[Path]) -> list[str]:
    """Return names for tests."""
    return [path.stem for path in paths]


def linked(page: Path) -> list[Path]:
    """Return the data files that a page links to."""
    return [RESULTS / link for link in re.findall(r"\]\((data/[^)#]+)\)", page.read_text())]


def numbers(text: str) -> set[str]:
    """Return the numbers of a text as they are written."""
    return set(NUMBER.findall(text))


def table_rows(page: Path) -> list[str]:
    """Return the rows of the tables of a page, without their heads, their first cells and names in code."""
    lines = page.read_text().splitlines()
    rows = [line for before, line in pairwise(lines) if line.startswith("|") and before.startswith("|")]
    bodies = [row for row in rows if not row.startswith("|---")]
    return [re.sub(r"\[[^]]*\]\([^)]*\)|`[^`]*`", "", row.split("|", 2)[2]) for row in bodies]


def test_pages_and_data_are_found() -> None:
    """The tests below are parametrised over these lists."""
    assert {"junction", "methods-cifar10", "table1-cifar10"} <= set(names(PAGES))
    assert {"junction", "methods-cifar10", "table1-cifar10"} <= set(names(FOLDERS))
    assert {"methods-cifar10", "table1-cifar10"} <= set(names(REMARKS))


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_figures_in_tables_are_in_the_data(page: Path) -> None:
    """Digit for digit, in the linked files."""
    known: set[str] = set()
    for file in linked(page):
        known |= numbers(file.read_text())

    assert {number for row in table_rows(page) for number in numbers(row)} <= known


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_a_page_says_how_to_measure_again(page: Path) -> None:
    """A command stands on it, and a person reads it to the end."""
    text = page.read_text()

    assert re.search(r"^(?: {4}|\$ )(?:modelprint|python) ", text, re.MULTILINE)
    assert len(text.split()) < 1000


@pytest.mark.parametrize("folder", FOLDERS, ids=names(FOLDERS))
def test_data_files_parse(folder: Path) -> None:
    """Each row has as many cells as the head, whose names differ, and the record lists every file with its rows."""
    record = json.loads((folder / "report.json").read_text())
    tables = {table["file"]: table["rows"] for section in record["sections"] for table in section.get("tables", ())}

    assert set(tables) == {path.name for path in folder.iterdir()} - {"report.json"}
    for name, count in tables.items():
        head, *rows = list(csv.reader((folder / name).read_text().splitlines()))
        assert len(set(head)) == len(head)
        assert len(rows) == count
        assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize("folder", FOLDERS, ids=names(FOLDERS))
def test_data_stay_small_and_are_linked(folder: Path) -> None:
    """No file of a megabyte, and no folder that no page leads to."""
    assert all(path.stat().st_size < 1_000_000 for path in folder.iterdir())
    assert any(folder == file.parent for page in PAGES for file in linked(page))


@pytest.mark.parametrize("file", REMARKS, ids=names(REMARKS))
def test_remarks_are_those_of_the_plan(file: Path) -> None:
    """A data folder repeats each remark of its plan's file, word for word."""
    remarks = tomllib.loads(file.read_text())
    record = json.loads((DATA / file.stem / "report.json").read_text())

    items = [item for section in record["sections"] for item in section.get("items", ()) if item["title"] in remarks]

    assert {item["title"]: " ".join(item["remark"]) for item in items} == {
        row: text.strip() for row, text in remarks.items()
    }


def test_the_overview_repeats_its_pages() -> None:
    """Each main figure stands on the page that its row links to."""
    rows = re.findall(r"^\| \[.*?\]\((.*?)\) \| .*? \| (.*?) \|", (RESULTS / "index.md").read_text(), re.MULTILINE)

    rows = [(page.partition("#")[0], figure) for page, figure in rows]
    assert {page for page, _ in rows} == {path.name for path in RESULTS.glob("*.md")} - {"index.md"}
    for page, figure in rows:
        assert numbers(figure) <= numbers((RESULTS / page).read_text()), page
