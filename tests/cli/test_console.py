"""What a terminal gets."""

import sys
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.console import LINE_LIMIT, Interrupted, align_columns, show_bars, to_one_line
from modelprint.fingerprint.integrity import Fingerprint


def test_ctrl_c_elsewhere_is_one_line_too(command: Any, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130, and no traceback."""

    def stop(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Fingerprint, "load", stop)

    done = command("inspect", "r20.mprint")

    assert (done.code, done.err) == (130, "stopped; run the same command to start again\n")
    assert issubclass(Interrupted, KeyboardInterrupt)


def test_bars_are_drawn_on_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, and with --quiet, nothing is written."""
    with show_bars() as progress:
        progress("working", 0, 2)
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with show_bars() as progress:
        for done in (0, 1, 2, 0, 1):
            progress("working", done, 2)
    assert "working" in capsys.readouterr().err


def test_columns_are_aligned() -> None:
    """Texts to the left, numbers to the right."""
    assert align_columns(("name", "n"), [("a", 10), ("long one", 5)]) == "name       n\na         10\nlong one   5"


def test_a_message_cannot_steer_a_terminal() -> None:
    """Line ends become blanks, control characters are spelled out."""
    assert to_one_line("a\nb \x1b[2J c") == "a b \\x1b[2J c"


def test_a_line_has_a_longest_length() -> None:
    """Errors of libraries repeat what they were given."""
    assert len(to_one_line("x" * 10**6)) == LINE_LIMIT + len("...")
