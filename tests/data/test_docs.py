"""The page about data says what the table of sets says."""

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


@pytest.mark.parametrize("name", SETS)
def test_every_file_is_on_the_page(name: str) -> None:
    """The first file of each layout is named, so a reader knows where things go."""
    for layout in SETS[name].layouts:
        for file in layout.files[:1]:
            assert f"`{file}`" in PAGE
