"""Data sets from the command line."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from modelprint.cli.page import find_example, list_commands

COMMANDS = dict(list_commands())


def test_the_example_of_data_fetch_runs(command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a download that is there already."""
    from modelprint.data import fetch

    here = fetch.FetchedFile(path=tmp_path / "x", size=3, sha256="0" * 64, checked="nothing", downloaded=True)
    asked: list[str] = []
    monkeypatch.setattr(fetch, "fetch", lambda name, *_, **__: asked.append(name) or (here,))

    done = command(*shlex.split(find_example(COMMANDS["data fetch"]))[1:])
    as_json = command("data", "fetch", "mnist", "--json")

    assert asked == ["cifar10", "mnist"]
    assert (done.code, done.out) == (0, f"fetched {tmp_path / 'x'} (3 bytes), checked against nothing\n")
    assert str(tmp_path / "x") in as_json.out


def test_the_list_says_where_each_set_is(command: Any, data_set: None, data_folder: Path) -> None:
    """A set that was found has its counts and its folder, the digits need none, another says how to get it."""
    lines = command("data", "list").out.splitlines()
    rows = {line.split()[0]: line for line in lines[1:]}

    assert lines[0].split() == ["name", "shape", "classes", "train", "test", "where"]
    assert rows["cifar10"].split()[1:] == ["3", "x", "32", "x", "32", "10", "60", "20", str(data_folder)]
    assert rows["digits"].endswith("part of scikit-learn")


def test_the_list_as_json_has_paths_as_texts(command: Any, data_set: None, data_folder: Path) -> None:
    """One object with the user's folder and a list of sets."""
    listed = json.loads(command("data", "list", "--json").out)
    sets = {one["name"]: one for one in listed["sets"]}

    assert Path(listed["user_folder"]).name == "modelprint"
    assert sets["cifar10"]["present"] == str(data_folder)
    assert (sets["digits"]["present"], sets["digits"]["embedded"]) == (None, True)
