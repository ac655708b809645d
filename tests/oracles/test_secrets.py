import os
import time
from pathlib import Path

import pytest

from modelprint.errors import EndpointError
from modelprint.oracles.secrets import QUOTE_LIMIT, START_LIMIT, TEXT_LIMIT, Secrets, collect


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
        ("${file:pipe}", "not a regular file"),
        ("${no name}", "neither"),
        ("${OPEN", "closing brace"),
        ("${A${B}}", "closing brace"),
    ],
)
def test_a_placeholder_without_a_usable_value_is_named(text: str, reason: str, tmp_path: Path) -> None:
    """The message says which one it is and never what it holds."""
    (tmp_path / "long").write_text("x" * 100_000)
    os.mkfifo(tmp_path / "pipe")

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


@pytest.mark.parametrize(
    "echo",
    [
        "top\nsecret-1",
        "t o p s e c r e t - 1",
        "top\\nsec\\r\\nret-1",
        "\\u0074op\\u0073ecret\\u002D1",
        "\\\\u0074opsecret-1",
        "top&#115;ecret&#x2d;1",
        "%74opsecret%2D1",
        "topsecret\\-1",
        "topsecret%252D1",
    ],
)
def test_broken_and_escaped_values_are_found(echo: str) -> None:
    """White space between the characters hides nothing, nor does an escape of some of them."""
    secrets = Secrets({"TOKEN": "topsecret-1"})

    assert secrets.clean(f"you sent {echo}!") == "you sent ***!"
    assert secrets.quote(f'{{"you": "{echo}"}}'.encode()) == '{"you": "***"}'


@pytest.mark.parametrize(
    ("value", "number"),
    [("12345678", 12345678), ("12345678", 12345678.0), ("0012345678", 12345678), ("1e5678", 1), ("12.50", 12.5)],
)
def test_a_value_is_found_in_a_number(value: str, number: float) -> None:
    """Also without its leading zeros; what is no number is in none."""
    secrets = Secrets({"PIN": value})

    assert secrets.hides(number) == (number != 1)
    assert not secrets.hides(0.25)
    assert not secrets.hides(7)


def test_a_pin_is_found_without_its_zeros() -> None:
    """In a text too."""
    assert Secrets({"PIN": "0012345"}).clean("no 12345 here, nor 12345.0") == "no *** here, nor ***"


def test_a_quotation_is_the_start_of_one_line() -> None:
    """Control characters are escaped, and a secret that is cut would still be one."""
    secrets = Secrets({"TOKEN": "s3cret-t0ken"})

    assert secrets.quote(b"<title>\r\n Sign\x1b[2J in\xff</title>") == "<title> Sign\\x1b[2J in\ufffd</title>"
    assert secrets.quote(b"x" * 195 + b"s3cret-t0ken") == "x" * 195 + "***"
    assert secrets.quote(b"x" * 500) == "x" * QUOTE_LIMIT + "..."
    assert secrets.quote(b" \n") == ""


def test_masking_takes_linear_time() -> None:
    """A long text of what almost is the secret, of escapes or of spaces is masked at once."""
    secrets = Secrets({"TOKEN": "aaaaaaaaaaaaaaaaaaaaaaaab", "LONG": "t" * 5000, "SPACES": "     "})
    started = time.process_time()

    for text in ("a" * 100_000, "\\" * 100_000, " " * 100_000, "a " * 50_000, "\\n" * 50_000, "t" * 100_000):
        secrets.clean(text)

    assert time.process_time() - started < 20


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


@pytest.mark.parametrize("gap", ["", " ", "\\n\\n\\n", " " * 50, "\\\\r" * 9])
def test_no_part_of_a_secret_is_left_where_a_long_text_is_cut(gap: str) -> None:
    """However far it reaches over the cut, and whatever stands between its characters."""
    spelled = gap.join("hunter2-4711")
    secrets = Secrets({"KEY": "hunter2-4711"})

    for before in range(START_LIMIT - len(spelled) - 20, START_LIMIT + 20, 7):
        shown = secrets._mask_start("~" * before + spelled + "x" * 100_000)
        assert "h" not in shown


def test_a_long_text_costs_no_more_than_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte that repeats the beginning of a secret would otherwise take seconds."""
    lengths: list[int] = []
    mask = Secrets.mask

    def measure(secrets: Secrets, text: str) -> str:
        lengths.append(len(text))
        return mask(secrets, text)

    monkeypatch.setattr(Secrets, "mask", measure)
    said = ("a" * 39 + "b") * 26_000

    assert Secrets({"KEY": "a" * 40}).clean(said).startswith("aaa")
    assert Secrets({"KEY": "a" * 40}).quote(said.encode()).startswith("aaa")
    assert lengths and max(lengths) <= START_LIMIT


def test_a_quotation_is_short_however_it_is_escaped() -> None:
    """Two hundred control characters are eight hundred characters when spelled out."""
    assert len(Secrets().quote(b"\x7f" * 1000)) == QUOTE_LIMIT + len("...")
