"""Whatever a value says is shown as text in one line, except a command in a block of code."""

import pytest

from modelprint.pages.grids import Section
from modelprint.pages.markdown import as_markdown, markdown_from


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines", "two lines"),
        ("a | b", r"a \| b"),
        ("[x](y) *z* `c` _d_ ~e~", r"\[x\](y) \*z\* \`c\` \_d\_ \~e\~"),
        ("<b> & c", "&lt;b&gt; &amp; c"),
        (3.5, "3.5"),
    ],
)
def test_signs_of_markdown_lose_their_meaning(value: object, text: str) -> None:
    """Names come from plans and may hold anything."""
    assert as_markdown(value) == text


def test_a_command_is_printed_as_it_is() -> None:
    """In a block of code nothing is escaped."""
    section = Section(name="setup", title="Set_up", code="modelprint bench run a_b.toml")

    text = markdown_from("report.md", package="modelprint.bench", title="T", sections=[section])

    assert "## Set\\_up\n\n    modelprint bench run a_b.toml\n" in text
