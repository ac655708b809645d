from pathlib import Path

import pytest

from modelprint.cli.method_pages import make_index, make_page, make_pages, read_meanings, split_sections
from modelprint.methods import METHODS
from modelprint.settings import settings_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "methods"


def test_the_pages_are_what_the_methods_say_now() -> None:
    """Each file of docs/methods is the generated one, and there is no other."""
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == make_pages()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_tells_its_source_its_departures_and_all_settings(name: str) -> None:
    """Headings with text below them, and a meaning for each setting, no more and no less."""
    told = dict(split_sections(METHODS[name]))

    assert {"Source", "Departures"} <= set(told)
    assert all(len(text) > 3 for text in told.values())
    assert list(read_meanings(METHODS[name])) == [setting.name for setting in settings_of(METHODS[name])]
    assert all(f"| `{setting.name}` |" in make_page(name) for setting in settings_of(METHODS[name]))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_compared_and_can_be_found(name: str) -> None:
    """A row of the table and a line of the navigation."""
    row = next(line for line in make_index().splitlines() if line.startswith(f"| [{name}]({name}.md) |"))

    assert row.count("|") == 6 and all(part.strip() for part in row.split("|")[1:-1])
    assert f"methods/{name}.md" in (ROOT / "mkdocs.yml").read_text()


def test_a_module_without_a_source_is_refused() -> None:
    """`Path` stands for a class whose module tells nothing of the kind."""
    with pytest.raises(ValueError, match="has no paragraph 'Source"):
        list(split_sections(Path))
