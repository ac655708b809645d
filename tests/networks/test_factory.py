"""A factory is imported from installed modules, from a folder only when asked to, and never ends the program."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelprint.errors import LoadingError
from modelprint.networks.factory import call_factory


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, first on the path of imports as with `python -m`; undone afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_the_current_folder_is_searched_only_when_asked(here: Path) -> None:
    """The error says how to ask; afterwards the path of imports is as before."""
    (here / "local_nets.py").write_text("def make():\n    return 7\n")
    before = list(sys.path)

    with pytest.raises(LoadingError, match=r"no installed module local_nets; .* local_nets\.py, .*--search-path \."):
        call_factory("local_nets:make")
    assert sys.path == before
    assert call_factory("local_nets:make", Path()) == 7


def test_an_empty_entry_is_the_current_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -c` begins the path with an empty text."""
    (here / "local_nets.py").write_text("def make():\n    return 7\n")
    monkeypatch.setattr(sys, "path", ["", *sys.path[1:]])

    with pytest.raises(LoadingError, match="no installed module"):
        call_factory("local_nets:make")


def test_an_installed_module_is_never_hidden(here: Path) -> None:
    """A file with the name of an installed module is not run, whether the folder is searched or not."""
    (here / "colorsys.py").write_text("raise SystemExit(0)\n")
    sys.modules.pop("colorsys", None)

    for search_path in (None, here):
        with pytest.raises(LoadingError, match=r"TypeError: .*rgb_to_hsv"):  # the factory of the library, called
            call_factory("colorsys:rgb_to_hsv", search_path)
        sys.modules.pop("colorsys")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise SystemExit", "SystemExit"),
        ("raise GeneratorExit('gone')", "GeneratorExit: gone"),
        ("class Own(BaseException): pass\nraise Own('x')", "Own: x"),
        ("raise ValueError('no')", "ValueError: no"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_factory_that_ends_the_program_is_an_error(body: str, reason: str, inside: bool, here: Path) -> None:
    """While its module is imported, or while it is called."""
    indented = "\n".join(f"    {line}" for line in body.split("\n"))
    (here / "ends.py").write_text(f"def make():\n{indented}\n" if inside else body)

    with pytest.raises(LoadingError, match=rf"^ends:make failed: {reason}$"):
        call_factory("ends:make", here)


def test_an_interruption_is_the_users(here: Path) -> None:
    """It stops the program as always."""
    (here / "stops.py").write_text("raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        call_factory("stops:make", here)


def test_what_is_missing_is_named(here: Path) -> None:
    """The folder, the module, a module that it needs, or the factory."""
    (here / "needs.py").write_text("import no_such_module_at_all\n")
    (here / "empty.py").write_text("")

    with pytest.raises(LoadingError, match="nowhere: there is no such folder to import from"):
        call_factory("needs:make", here / "nowhere")
    with pytest.raises(LoadingError, match="ModuleNotFoundError: No module named 'gone'"):
        call_factory("gone:make")
    with pytest.raises(LoadingError, match="No module named 'no_such_module_at_all'"):
        call_factory("needs:make", here)
    with pytest.raises(LoadingError, match=r"AttributeError: .*make"):
        call_factory("empty:make", here)


def test_a_factory_sees_no_command_line(here: Path) -> None:
    """A script that parses arguments takes its defaults; one that needs some says so, and prints no usage."""
    parse = "import argparse\np = argparse.ArgumentParser()\np.add_argument({})\nargs = p.parse_args()\n"
    (here / "relaxed.py").write_text(parse.format("'--lr', default=3") + "def make():\n    return args.lr\n")
    (here / "strict.py").write_text(parse.format("'data'"))
    before = list(sys.argv)

    assert call_factory("relaxed:make", here) == 3
    with pytest.raises(LoadingError, match=r"SystemExit: it reads a command line, which is empty here: .*data"):
        call_factory("strict:make", here)
    assert sys.argv == before
