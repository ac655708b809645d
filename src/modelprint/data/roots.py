"""The folders in which data sets and weights are searched."""

import os
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_dir

from modelprint.errors import DataError

VARIABLE = "MODELPRINT_DATA"
"""Environment variable with a folder to search first; several are separated as in `PATH`."""


def data_roots() -> tuple[Path, ...]:
    """Return the folders of `MODELPRINT_DATA` and the user's data folder, in the order of the search.

    A user without a home folder, as in some containers, has no data folder.
    """
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    try:
        return (*named, user_folder())
    except DataError:
        return tuple(named)


def user_folder() -> Path:
    """Return the user's data folder, the target of `modelprint data fetch`; it may not exist yet.

    Raises:
        DataError: The user has no home folder.
    """
    try:
        return Path(user_data_dir("modelprint", appauthor=False))
    except RuntimeError as problem:
        raise DataError(f"there is no home folder for your data: set HOME, or {VARIABLE} to a folder") from problem


def weights_path(name: str) -> Path:
    """Return the file `weights/NAME.safetensors` in the first data folder that has it.

    Args:
        name: For example `cifar10_resnet20`; the suffix is optional.

    Raises:
        DataError: No folder has it; the message lists the folders and the available names.
    """
    stem = name.removesuffix(".safetensors")
    if not stem or set(stem) & set("/\\:\0") or stem.startswith("."):
        raise DataError(f"{name!r} is not the name of a weights file; to use a file elsewhere, give its path")
    folders = [root / "weights" for root in data_roots()]
    for folder in folders:
        if (folder / f"{stem}.safetensors").is_file():
            return folder / f"{stem}.safetensors"
    known = sorted({file.stem for folder in folders for file in folder.glob("*.safetensors")})
    raise DataError(
        f"no weights called {stem!r}: looked for {stem}.safetensors in {list_roots(folders)}; "
        f"put the file there or set {VARIABLE} ({'there are ' + ', '.join(known) if known else 'there are none yet'})"
    )


def list_roots(folders: Sequence[Path]) -> str:
    """Return the folders of a search in words."""
    return " and ".join(map(str, folders)) or f"no folder, as there is no home folder and {VARIABLE} is not set"
