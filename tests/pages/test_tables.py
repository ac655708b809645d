"""Every table of a report is also a data file, and Markdown prints only the short ones."""

import csv
import json
from pathlib import Path

from modelprint.pages.grids import Grid, Item, Section, Value, numbers, words
from modelprint.pages.markdown import markdown_from
from modelprint.pages.tables import LIMIT, RECORD, render_csv, shorten_tables, summarise, write_tables

RATES = Grid(
    caption="Rates.",
    head=(*words("row"), Value(text="ours", note="N = 1", number=True), *numbers("paper")),
    rows=(
        (*words("Pruning, 20 %"), Value(text="41.5", note="30 to 52", number=True, marked=True), *numbers("89.5")),
        (*words("None"), *numbers("-", "-")),
    ),
)


def long_grid(count: int) -> Grid:
    """Return a grid whose second column is 0, 1, 4, 9, ..."""
    rows = tuple((*words(f"row {n}"), *numbers(str(n * n))) for n in range(count))
    return Grid(caption="Squares.", head=(*words("row"), *numbers("square")), rows=rows)


def test_an_interval_becomes_two_columns_and_a_missing_value_is_empty() -> None:
    """What stands out is named in a column of its own."""
    rows = list(csv.reader(render_csv(RATES).splitlines()))

    assert rows == [
        ["row", "ours, N = 1", "ours, N = 1, low", "ours, N = 1, high", "paper", "marked"],
        ["Pruning, 20 %", "41.5", "30", "52", "89.5", "ours, N = 1"],
        ["None", "", "", "", "", ""],
    ]


def test_a_note_that_is_no_interval_has_one_column() -> None:
    """Nothing of a value is lost."""
    best = Value(text="3.1", note="2.9", number=True, note_strong=True)
    grid = Grid(
        caption="", head=(*words("row"), *numbers("a")), rows=((*words("x"), best), (*words("y"), *numbers("1")))
    )

    assert render_csv(grid) == 'row,a,"a, note",marked\nx,3.1,2.9,"a, note"\ny,1,,\n'


def test_columns_of_one_name_are_told_apart_by_those_before_them() -> None:
    """No column of a CSV file hides another."""
    grid = Grid(caption="", head=words("a", "published", "b", "published"), rows=(words("1", "2", "3", "4"),))

    assert render_csv(grid) == 'a,"a, published",b,"b, published"\n1,2,3,4\n'


def test_a_long_grid_is_summed_up_by_values_that_it_has() -> None:
    """Lowest, lower median, highest; missing values do not count."""
    grid = Grid(
        caption="",
        head=(*words("row"), *numbers("a", "b"), *words("goal")),
        rows=tuple(
            (*words("x"), *numbers(a, b), *words("")) for a, b in (("10", "-"), ("9", "-"), ("1e-3", "-"), ("-", "-"))
        ),
    )

    brief = summarise(grid)

    assert [value.text for value in brief.head] == ["of each column", "a"]
    assert [[value.text for value in row] for row in brief.rows] == [
        ["lowest", "1e-3"],
        ["median", "9"],
        ["highest", "10"],
    ]


def test_a_summary_begins_with_the_means() -> None:
    """They are rows of the grid, and no lowest or highest value."""
    rows = tuple((*words(name), *numbers(value)) for name, value in (("Mean", "2"), ("a", "1"), ("b", "3"), ("c", "3")))

    brief = summarise(Grid(caption="", head=(*words("row"), *numbers("x")), rows=rows, means=1))

    assert [(row[0].text, row[1].text) for row in brief.rows] == [
        ("Mean", "2"),
        ("lowest", "1"),
        ("median", "3"),
        ("highest", "3"),
    ]


def test_a_grid_without_numbers_is_summed_up_by_its_first_rows() -> None:
    """A reader sees what the file is like."""
    grid = Grid(caption="", head=words("row"), rows=tuple(words(str(n)) for n in range(20)))

    assert summarise(grid).rows == grid.rows[:5]


def test_only_grids_above_the_limit_are_shortened() -> None:
    """A grid of exactly as many rows is printed, one more is not, and a folded one is a link."""
    grids = (
        long_grid(LIMIT),
        long_grid(LIMIT + 1),
        Grid(caption="Detail.", head=words("a"), rows=(words("1"),), folded=True),
    )

    (short,) = shorten_tables([Section(name="rates", title="Rates", grids=grids)], "report")

    assert [len(grid.rows) for grid in short.grids] == [LIMIT, 3, 0]
    assert [grid.file for grid in short.grids] == ["report/rates.csv", "report/rates-2.csv", "report/rates-3.csv"]
    assert short.grids[1].caption == f"Squares. A summary of {LIMIT + 1} rows."


def test_every_grid_has_a_file_and_the_rest_is_in_the_record(tmp_path: Path) -> None:
    """The record says what each file shows and how it was made; a grid without rows has no file."""
    sections = (
        Section(name="protocol", title="Protocol", code="modelprint bench run x.toml", facts=(("seed", "7"),)),
        Section(
            name="rates",
            title="Rates",
            text=("Why.",),
            grids=(RATES, Grid(caption="", head=(), rows=()), long_grid(40)),
        ),
        Section(
            name="differences", title="Far", items=(Item(title="Pruning", points=("so far",), remark=("because",)),)
        ),
    )

    written = write_tables(sections, tmp_path / "data", title="A run")

    assert [path.name for path in written] == ["rates.csv", "rates-2.csv", RECORD]
    assert written[0].read_text() == render_csv(RATES)
    assert len(written[1].read_text().splitlines()) == 41
    assert json.loads(written[2].read_text()) == {
        "title": "A run",
        "sections": [
            {"name": "protocol", "title": "Protocol", "command": "modelprint bench run x.toml", "facts": {"seed": "7"}},
            {
                "name": "rates",
                "title": "Rates",
                "text": ["Why."],
                "tables": [
                    {"file": "rates.csv", "shows": "Rates.", "rows": 2},
                    {"file": "rates-2.csv", "shows": "Squares.", "rows": 40},
                ],
            },
            {
                "name": "differences",
                "title": "Far",
                "items": [{"title": "Pruning", "points": ["so far"], "remark": ["because"]}],
            },
        ],
    }


def test_markdown_links_to_the_files() -> None:
    """Under the caption, before the table."""
    short = shorten_tables([Section(name="rates", title="Rates", grids=(RATES,))], "report")

    text = markdown_from("report.md", package="modelprint.bench", title="A run", sections=short)

    assert "\nRates. Data: [report/rates.csv](report/rates.csv).\n\n| row | ours, N = 1 | paper |\n|---|" in text
