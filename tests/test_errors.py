"""All errors of the package have one base, and the advice on a missing extra names the place of the installation."""

import inspect
import json
from importlib.metadata import Distribution, PackageNotFoundError
from typing import Any

import pytest

from modelprint import errors
from modelprint.errors import MESSAGE_LIMIT, ModelprintError, advise_extra

FOLDER = "file:///home/ada/modelprint"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OURS = [one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__]


def test_every_error_has_the_base_and_no_wrong_argument_is_one() -> None:
    """A command line that catches the base catches all; `ValueError` stays what it is."""
    assert len(OURS) == 12
    assert all(issubclass(one, ModelprintError) for one in OURS)
    assert not any(issubclass(one, ValueError | OSError) for one in OURS)


def test_the_tree_names_every_error() -> None:
    """The docstring is the documentation of the family."""
    assert [one.__name__ for one in OURS if f"{one.__name__} " not in f"{errors.__doc__} "] == ["ModelprintError"]
    assert "    ModelprintError\n" in (errors.__doc__ or "")


def test_a_message_has_a_longest_length() -> None:
    """A name in a hostile file may be as long as the file."""
    assert str(ModelprintError("short")) == "short"
    assert len(str(ModelprintError("x" * 10**6))) == MESSAGE_LIMIT + len("...")


class Installed:
    """A distribution with a record of its origin."""

    def __init__(self, recorded: str | None) -> None:
        self.recorded = recorded

    def read_text(self, _: str) -> str | None:
        return self.recorded


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({"url": FOLDER, "dir_info": {"editable": True}}, f'pip install -e "{FOLDER}[onnx]"'),
        ({"url": FOLDER, "dir_info": {}}, f'pip install "modelprint[onnx] @ {FOLDER}"'),
        ({"url": f"{FOLDER}.whl", "archive_info": {}}, f'pip install "modelprint[onnx] @ {FOLDER}.whl"'),
        (
            {"url": "https://example.org/m.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f'pip install "modelprint[onnx] @ git+https://example.org/m.git@{COMMIT}"',
        ),
    ],
)
def test_the_command_repeats_the_origin(origin: object, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, an editable one, a file, a repository at a commit."""
    monkeypatch.setattr(Distribution, "from_name", lambda _: Installed(json.dumps(origin)))

    assert advise_extra("onnx") == f"install the extra onnx as modelprint was installed, such as: {command}"


@pytest.mark.parametrize("recorded", [None, "no JSON", "[]", '{"url": 3, "vcs_info": {"vcs": "git"}}'])
def test_an_unknown_origin_sends_no_one_to_the_index(recorded: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is one for the folder with the source."""
    monkeypatch.setattr(Distribution, "from_name", lambda _: Installed(recorded))

    assert advise_extra("ray").endswith("such as: pip install '.[ray]' in its source folder")


def test_a_package_that_is_not_installed_can_give_advice_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source may be on the path only."""

    def fail(_: Any) -> Distribution:
        raise PackageNotFoundError

    monkeypatch.setattr(Distribution, "from_name", fail)

    assert "pip install '.[bo]'" in advise_extra("bo")
