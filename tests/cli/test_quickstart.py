"""The exit code of the quickstart is its result."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.mark.parametrize(("succeeded", "code"), [(True, 0), (False, 3)])
def test_messages_go_to_stderr_and_the_exit_code_is_the_result(
    succeeded: bool, code: int, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when every verdict is correct, otherwise 3; --quiet prints no remarks."""
    from modelprint.demo import quickstart

    asked: list[tuple[Path, int]] = []

    def pretend(folder: Path, *, seed: int, progress: object, say: Any) -> SimpleNamespace:
        asked.append((folder, seed))
        say("training")
        return SimpleNamespace(succeeded=succeeded)

    monkeypatch.setattr(quickstart, "quickstart", pretend)
    monkeypatch.setattr(quickstart, "show", lambda result: print("a table"))

    done = command("quickstart", "--output", "here", "--seed", 3)
    quiet = command("quickstart", "--quiet")

    assert (done.code, done.out, done.err) == (code, "a table\n", "training\n")
    assert (quiet.code, quiet.err) == (code, "")
    assert asked == [(Path("here"), 3), (Path("modelprint-quickstart"), 7)]
