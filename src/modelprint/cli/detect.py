"""How much a fingerprint sees: `detect`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelprint.cli.console import align_columns, print_remark, require_stdout, show_json
from modelprint.cli.options import AsJson, FingerprintFile, ImageShape, Quiet, SearchPath, parse_shape

if TYPE_CHECKING:
    from modelprint.detection import Detection, MeanRate

WEIGHTS = "*.safetensors"


def detect(
    fingerprint: FingerprintFile,
    suspects: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder with suspects as .safetensors, or one such file; see tamper.")
    ],
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Network of the suspects: a built-in one, package.module:factory or a .pt2 file; the one that the "
            "fingerprint names when not given.",
        ),
    ] = None,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    trust_network: Annotated[
        bool,
        typer.Option(
            "--trust-network",
            help="Call the factory that the fingerprint names. It is code, chosen by the author of the file.",
        ),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure how often a fingerprint detects local suspects.

    Every sample is asked; shown are the share of labels that differ and the exact detection rates. The rate at N is the
    probability that N different samples, drawn at random, show a difference at least once. The second table is the mean
    over the suspects of each kind, with a 95 % bootstrap interval of the rate at N = 1. Exits with 2 when a suspect
    could not be read; the others are shown all the same.

    Example: modelprint detect r20.mprint --suspects suspects
    """
    from modelprint.cli.architectures import load_architecture
    from modelprint.detection import QUERIES, mean_rates
    from modelprint.detection import detect as ask_all
    from modelprint.fingerprint.integrity import Fingerprint

    require_stdout()
    loaded = Fingerprint.load(fingerprint)
    files = _files(suspects)
    architecture = load_architecture(loaded, network, parse_shape(image_shape), search_path, trust_network)
    found = ask_all(architecture, loaded, files)
    kinds = mean_rates(found)
    problems = [one for one in found if one.problem]
    if as_json:
        means = [vars(kind) | {"rates": {str(n): rate for n, rate in kind.rates.items()}} for kind in kinds]
        suspected = [one.to_record() for one in found]
        show_json({"fingerprint": loaded.digest, "suspects": suspected, "kinds": means})
    else:
        _show_tables([one for one in found if not one.problem], kinds, QUERIES)
    for one in problems:
        print_remark(f"error: {one.name}: {one.problem}", quiet and as_json)
    sys.stdout.flush()
    raise typer.Exit(2 if problems else 0)


def _show_tables(found: Sequence["Detection"], kinds: Sequence["MeanRate"], queries: tuple[int, ...]) -> None:
    """Print a row for each suspect, and a row for each kind."""
    columns = tuple(f"N={n}" for n in queries)
    heads = ("suspect", "kind", "differ", *columns, "parameters", "logit RMS", "labels")
    rows = [
        (one.name, one.kind, _share(one.mismatches / one.samples), *_rates(one.rates, queries), *_movement(one.record))
        for one in found
    ]
    typer.echo(align_columns(heads, rows))
    means = [
        (one.kind, one.models, *_rates(one.rates, queries), f"{_share(one.low)} to {_share(one.high)}") for one in kinds
    ]
    typer.echo("\n" + align_columns(("kind", "models", *columns, "interval at N=1"), means))


def _files(suspects: Path) -> list[tuple[str, Path]]:
    """Return names and paths of the weights files."""
    if suspects.is_file():
        return [(suspects.stem, suspects)]
    if not suspects.is_dir():
        raise ValueError(f"there is no folder {suspects}")
    files = sorted(suspects.rglob(WEIGHTS))
    if not files:
        raise ValueError(f"there is no .safetensors file in {suspects}; make suspects with: modelprint tamper")
    return [(str(file.relative_to(suspects).with_suffix("")), file) for file in files]


def _rates(rates: Mapping[int, float], queries: tuple[int, ...]) -> list[str]:
    return [_share(rates[n]) if n in rates else "-" for n in queries]


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"


def _movement(record: Mapping[str, Any]) -> list[str]:
    """Return how far a suspect moved, as its record says, which may hold anything."""
    movement = record.get("movement")
    moved = movement if isinstance(movement, Mapping) else {}
    shown = [moved.get(name) for name in ("parameters", "logit_rms", "labels_changed")]
    numbers = [value if isinstance(value, int | float) else None for value in shown]
    parameters, logits = ("-" if value is None else f"{value:.2e}" for value in numbers[:2])
    return [parameters, logits, "-" if numbers[2] is None else _share(numbers[2])]
