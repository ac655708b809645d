"""The page of commands."""

from pathlib import Path

from modelprint.cli.page import escape_cell, find_example, list_commands, make_page


def test_the_page_of_commands_is_up_to_date() -> None:
    """docs/cli.md is what the commands say now."""
    assert (Path(__file__).parents[2] / "docs" / "cli.md").read_text() == make_page()


def test_every_command_has_a_section_with_its_example() -> None:
    """Groups are no commands; their members have two words."""
    page, names = make_page(), [name for name, _ in list_commands()]

    assert {"verify", "data list", "endpoint probe"} <= set(names)
    assert "data" not in names
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == names
    for name, command in list_commands():
        assert f"$ {find_example(command)}\n" in page
        assert find_example(command).startswith(f"modelprint {name}")


def test_a_cell_is_one_line_without_bars() -> None:
    """A bar would end it."""
    assert escape_cell("a|b\n  c") == "a\\|b c"
    assert escape_cell(None) == ""
