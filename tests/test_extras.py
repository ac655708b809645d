"""The advice on a missing extra names the place that the package was installed from."""

import json
from importlib.metadata import Distribution, PackageNotFoundError
from typing import Any

import pytest

from modelprint.extras import advise_extra

FOLDER = "file:///home/ada/modelprint"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


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
