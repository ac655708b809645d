"""The main use case in one command: `quickstart`."""

from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import print_remark, show_bars
from modelprint.cli.options import Quiet, Seed


def quickstart(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into.")] = Path("modelprint-quickstart"),
    seed: Seed = 7,
    quiet: Quiet = False,
) -> None:
    """Show the main use case: seal, serve, verify, tamper, detect.

    A small classifier is trained on real digits, sealed and served; then four tampered copies are served and verified.
    Everything runs on this machine, offline, in a minute or two. Exits with 0 when the served model was found intact
    and all four tampered copies were detected, otherwise with 3.

    Example: modelprint quickstart --output modelprint-quickstart
    """
    from modelprint.demo.quickstart import quickstart as run
    from modelprint.demo.quickstart import show

    with show_bars(quiet) as progress:
        result = run(output, seed=seed, progress=progress, say=lambda text: print_remark(text, quiet))
    show(result)
    raise typer.Exit(0 if result.succeeded else 3)
