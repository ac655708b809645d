"""Data sets: `data list` and `data fetch`. Needs no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import align_columns, explain_interruption, show_bars, show_json
from modelprint.cli.options import AsJson, Quiet
from modelprint.errors import DataError

data_app = typer.Typer(rich_markup_mode=None, help="Named data sets: list and download them.")


@data_app.command("list")
def list_data(as_json: AsJson = False) -> None:
    """List the named data sets and the folder of each.

    The list has the image shape and the numbers of classes, training and test images. The data sets are searched in the
    folders of MODELPRINT_DATA, then in your data folder.

    Example: modelprint data list
    """
    from modelprint.data import list_sets

    statuses = list_sets()
    if as_json:
        sets = [asdict(s) | {"present": s.present and str(s.present)} for s in statuses]
        show_json({"user_folder": _find_user_folder(), "sets": sets})
        return
    rows = []
    for status in statuses:
        where = str(status.present) if status.present else ("part of scikit-learn" if status.embedded else "")
        missing = f"run: modelprint data fetch {status.name}" if status.fetchable else f"not found; {status.source}"
        shape = " x ".join(map(str, status.image_shape))
        counts = ("-" if n is None else n for n in (status.train_count, status.test_count))
        rows.append((status.name, shape, status.class_count, *counts, where or missing))
    typer.echo(align_columns(("name", "shape", "classes", "train", "test", "where"), rows))


def _find_user_folder() -> str | None:
    """Return the user's data folder; None for a user without a home folder."""
    from modelprint.data import user_folder

    try:
        return str(user_folder())
    except DataError:
        return None


@data_app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the data set; see: modelprint data list.", show_default=False)
    ],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Data folder to download to. Default: your data folder.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Download a named data set and verify it. An interrupted download is continued.

    Example: modelprint data fetch cifar10
    """
    from modelprint.data.fetch import fetch as download

    with explain_interruption("run the same command again to go on"), show_bars(quiet) as progress:
        files = download(name, folder, progress=progress)
    if as_json:
        show_json({"name": name, "files": [asdict(file) | {"path": str(file.path)} for file in files]})
        return
    for file in files:
        done = "fetched" if file.downloaded else "present"
        typer.echo(f"{done} {file.path} ({file.size} bytes), checked against {file.checked}")
