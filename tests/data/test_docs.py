"""The page about data says what the table of sets says."""

from itertools import accumulate
from pathlib import Path

import pytest

from modelprint.data import SETS

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SETS)
def test_every_set_has_its_row(name: str) -> None:
    """Description, shape, classes and whether it can be fetched are those of `SETS`."""
    named = SETS[name]
    embedded = not all(layout.files for layout in named.layouts)
    fetching = "not needed" if embedded else "yes" if named.remotes else "no"
    shape = " x ".join(map(str, named.image_shape))

    assert f"| `{name}` | {named.description} | {shape} | {named.class_count} | {fetching} |\n" in PAGE


@pytest.mark.parametrize(
    ("name", "files"),
    [(name, layout.files) for name, named in SETS.items() for layout in named.layouts if layout.files],
)
def test_every_layout_is_in_the_table_of_files(name: str, files: tuple[str, ...]) -> None:
    """Below the name of the set stands a row for each layout, with its first file: a reader knows where things go."""
    table = PAGE.partition("| name | files |\n")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[1:]]
    names = list(accumulate((first for first, _ in cells), lambda above, first: first or above))

    assert [told for told, (_, second) in zip(names, cells, strict=True) if f"`{files[0]}`" in second] == [f"`{name}`"]
