from pathlib import Path

import pytest

from modelprint.errors import EndpointError
from modelprint.oracles.secrets import TEXT_LIMIT, Secrets, collect


def test_placeholders_are_filled_and_blanked(tmp_path: Path) -> None:
    """A variable and a file beside the description give their values to requests and stars to people."""
    (tmp_path / "key.txt").write_text("from-file\n")
    text = "Bearer ${TOKEN}/${file:key.txt}"

    secrets = collect([text], {"TOKEN": "from-env"}, tmp_path)

    assert secrets.fill(text) == "Bearer from-env/from-file"
    assert secrets.blank(text) == "Bearer ***/***"
    assert "from" not in repr(secrets)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${ABSENT}", "the environment variable ABSENT is not set"),
        ("${EMPTY}", "{EMPTY} is empty"),
        ("${BROKEN}", "line break"),
        ("${file:absent}", "{file:absent} cannot be read: No such file"),
        ("${file:long}", "longer than"),
        ("${no name}", "neither"),
        ("${OPEN", "closing brace"),
        ("${A${B}}", "closing brace"),
    ],
)
def test_a_placeholder_without_a_usable_value_is_named(text: str, reason: str, tmp_path: Path) -> None:
    """The message says which one it is and never what it holds."""
    (tmp_path / "long").write_text("x" * 100_000)

    with pytest.raises(EndpointError, match=reason) as caught:
        collect([text], {"EMPTY": "", "BROKEN": "abc\ndef", "B": "b"}, tmp_path)

    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "echo",
    ["{}", "Authorization: Bearer {}", '{{"sent": "{}"}}', "a{}b{}c"],
)
def test_values_are_found_in_what_a_server_says(echo: str) -> None:
    """However often a secret is echoed, it is masked."""
    secrets = Secrets({"TOKEN": 'top"se&cret/1', "LONGER": 'top"se&cret/1-and-more'})
    value = secrets.values["LONGER"]

    said = secrets.clean(echo.format(value, value))

    assert "cret" not in said
    assert "and-more" not in said
    assert "***" in said


@pytest.mark.parametrize(
    "form",
    ['top\\"se&amp;c', 'top\\"se&c/1', "top%22se%26c/1", "top%22se%26c%2F1", "top&quot;se&amp;c/1", "dG9wInNlJmMvMQ=="],
)
def test_quoted_values_are_found_too(form: str) -> None:
    """JSON, HTML, URL and base64 forms of a secret are secrets."""
    secrets = Secrets({"TOKEN": 'top"se&c/1' if "amp" not in form or "quot" in form else 'top\\"se&amp;c'})

    assert secrets.clean(f"you sent {form}") == "you sent ***"


def test_cleaning_leaves_one_short_printable_line() -> None:
    """Line breaks, terminal escapes, text direction marks and lone surrogates do not get through."""
    said = Secrets().clean("a\r\nb\x1b[31m\u202e\ud800 " + "x" * 1000)

    assert said.startswith("a b?[31m?? xxx")
    assert said.endswith("...")
    assert len(said) == TEXT_LIMIT
    assert said.isprintable()


def test_very_short_values_are_not_looked_for() -> None:
    """A version number in a placeholder does not blot out every "1" a server says."""
    assert Secrets({"VERSION": "1"}).clean("class 1") == "class 1"
