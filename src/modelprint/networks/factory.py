"""Factories: `package.module:factory`, code of the user's that makes a network.

Only installed modules are imported, unless a search path is given. A search path never hides an installed module.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from modelprint.classifier import describe_error
from modelprint.errors import LoadingError


def call_factory(network: str, search_path: Path | None = None) -> object:
    """Import and call the factory `network`, without arguments, and return its result.

    Args:
        network: "package.module:factory".
        search_path: A folder to import from when no installed module has this name. It stays at the end of `sys.path`,
            since the factory may import more later, in this process or in another.

    Raises:
        LoadingError: It cannot be imported or raises an error of any kind, `SystemExit` included.
    """
    module_name, _, attribute = network.partition(":")
    with _without_current_folder(), _without_arguments(module_name):
        if search_path is not None:
            _append(search_path)
        try:
            return getattr(importlib.import_module(module_name), attribute)()
        except KeyboardInterrupt:
            raise
        # The user's own code may raise any kind of error. Its `sys.exit(0)` must not become the exit code of a verdict.
        except BaseException as problem:
            root = module_name.partition(".")[0]
            if isinstance(problem, ModuleNotFoundError) and problem.name == root and search_path is None:
                found = _find_local(root)
                if found is not None:
                    raise LoadingError(
                        f"{network}: there is no installed module {root}; the current folder has {found.name}, "
                        "which is imported only with --search-path ."
                    ) from problem
            raise LoadingError(f"{network} failed: {describe_error(problem)}") from problem


@contextmanager
def _without_arguments(module: str) -> Iterator[None]:
    """Hide our command line, and let a parser that needs one say so in its error alone, without printing its usage.

    A script that makes a network often parses arguments too; with none it takes its defaults.
    """
    arguments, error = sys.argv, argparse.ArgumentParser.error
    sys.argv = [module]
    setattr(argparse.ArgumentParser, "error", _refuse_arguments)  # noqa: B010 - a method is no variable to mypy
    try:
        yield
    finally:
        sys.argv = arguments
        setattr(argparse.ArgumentParser, "error", error)  # noqa: B010


def _refuse_arguments(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    raise SystemExit(f"it reads a command line, which is empty here: {message}")


@contextmanager
def _without_current_folder() -> Iterator[None]:
    """Take the current folder away from the beginning of `sys.path`, where `python -m` and `python -c` put it.

    Where the environment names the same folder again, e.g. in PYTHONPATH, that entry stays.
    """
    first = sys.path[0] if sys.path else None
    if first is None or first not in ("", _current_folder()):
        yield
        return
    del sys.path[0]
    try:
        yield
    finally:
        sys.path.insert(0, first)


def _append(search_path: Path) -> None:
    if not search_path.is_dir():
        raise LoadingError(f"{search_path}: there is no such folder to import from")
    folder = str(search_path.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()


def _find_local(module: str) -> Path | None:
    """Return the file or folder in the current folder that would be imported as `module`."""
    candidates = (Path(f"{module}.py"), Path(module))
    return next((one for one in candidates if one.exists()), None)


def _current_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - spelled as Python does in sys.path
    except OSError:
        return None
