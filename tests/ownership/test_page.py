"""The page on ownership says of every setting what the code says."""

from pathlib import Path

import pytest

from modelprint.cli.method_pages import read_meanings
from modelprint.cli.tables import format_default
from modelprint.ownership import CExamples, Clusters, Contrastive, Judge, Universal, needed_references
from modelprint.settings import settings_of

PAGE = (Path(__file__).parents[2] / "docs" / "ownership.md").read_text()


@pytest.mark.parametrize("kind", [CExamples, Universal, Clusters, Contrastive, Judge])
def test_every_setting_is_on_the_page(kind: type) -> None:
    """With its default and the sentence of its docstring."""
    told = read_meanings(kind)
    rows = [f"| `{one.name}` | `{format_default(one.default)}` | {told[one.name]} |" for one in settings_of(kind)]

    assert "\n".join([f"| `{kind.__name__}` | default | |", "|---|---|---|", *rows]) in PAGE.replace("\\", "")


@pytest.mark.parametrize("rate", [0.1, 0.05, 0.01])
def test_the_numbers_of_references_are_right(rate: float) -> None:
    """As the code refuses."""
    assert f"| {rate:g} | {needed_references(rate)} |" in PAGE
