"""What covertness costs: `tradeoff`."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelprint.cli.console import align_columns, explain_interruption, print_remark, show_bars, show_json
from modelprint.cli.generate import creation_time
from modelprint.cli.options import (
    AsJson,
    Data,
    ImageShape,
    Network,
    Quiet,
    SearchPath,
    Seed,
    Settings,
    Weights,
    parse_shape,
)

if TYPE_CHECKING:
    from modelprint.methods.junction import Junction
    from modelprint.tradeoff.curve import Point, Tradeoff

TAKEN = ("k", "covert")
"""Settings of Junction that have options of their own."""


def tradeoff(
    network: Network,
    data: Data,
    tampering: Annotated[
        list[str],
        typer.Option(
            metavar="KIND", help="A tampering to draw a curve for; see: modelprint tamperings. May be given again."
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the report and the fingerprints.")],
    weights: Weights = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many samples to seal at each point.")] = 100,
    percentiles: Annotated[
        str,
        typer.Option(
            metavar="Q,...",
            help="Points of the curve: samples look as natural as images between the Q-th and the (100 - Q)-th "
            "percentile, above 0 and below 50; none: as near to the tie as honest serving allows.",
        ),
    ] = "none,1,5,10,25",
    k: Annotated[int, typer.Option(metavar="K", help="Classes that tie at a sample, at least 2.")] = 2,
    settings: Settings = None,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Serving differences that must not raise an alarm; see: generate.")
    ] = "fp32",
    seed: Seed = 0,
    image_shape: ImageShape = None,
    search_path: SearchPath = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plot detection against how natural samples look.

    For each point, samples are sealed by the method junction, the only one with a setting for how natural samples look,
    and a suspect of each kind of tampering is asked about them. The report has the median top-1 probability of the
    samples, the detection rate at N = 1 with an exact 95 % interval, how far each suspect moves the logits, and the
    top-1 probability above which no sample can see a change of that size. It is written as tradeoff.md, tradeoff.html
    and tradeoff.json, its curves as tradeoff.png, and the fingerprint of each point as an .mprint file to choose from.

    Suspects are kept in the cache, fingerprints in DIR: after an interruption, or with one more tampering, the same
    command continues with what is there.

    Example: modelprint tradeoff --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --tampering
    int8-dynamic --tampering flip-sign --percentiles none,10 --count 24 --output tradeoff
    """
    from modelprint.data import load_data
    from modelprint.loading import load_classifier
    from modelprint.pages.figures import load_matplotlib
    from modelprint.tradeoff.curve import covert_names
    from modelprint.tradeoff.measure import measure_tradeoff
    from modelprint.tradeoff.report import write_tradeoff

    load_matplotlib()  # report a missing extra before hours of work, not after
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output} is a file; name a folder")
    points, method = covert_names(percentiles), _method(k, settings or [])
    model = load_classifier(network, weights, image_shape=parse_shape(image_shape), search_path=search_path)
    with (
        explain_interruption(f"run the same command again to go on; what is done is in {output}"),
        show_bars(quiet) as progress,
    ):
        measured = measure_tradeoff(
            model,
            load_data(data, progress=progress),
            tampering,
            points,
            method=method,
            count=count,
            folder=output,
            profile=profile,
            seed=seed,
            created=creation_time(os.environ),
            progress=progress,
        )
    options: dict[str, object] = {
        "network": network,
        "weights": weights,
        "image-shape": image_shape,
        "data": data,
        "tampering": tampering,
    }
    options |= {"count": count, "percentiles": percentiles, "k": k, "set": settings, "profile": profile, "seed": seed}
    written = write_tradeoff(measured, output, _command({**options, "output": output}))
    for point in measured.points:
        if point.samples < count:
            why = f": {point.problem}" if point.problem else ""
            print_remark(f"{point.name}: {point.samples} of {count} samples could be sealed{why}", quiet)
    if as_json:
        show_json({"files": [str(path) for path in written], **measured.to_record()})
    else:
        _show_table(measured)
        typer.echo("\n" + "\n".join(f"written {path}" for path in written))


def _method(k: int, settings: Sequence[str]) -> "Junction":
    """Return the method of the curves; ValueError for a setting that has an option of its own."""
    from modelprint.methods.junction import Junction
    from modelprint.settings import build, parse_assignments

    changed = parse_assignments(settings)
    if taken := [name for name in TAKEN if name in changed]:
        raise ValueError(f"{taken[0]} has an option of its own: --{'percentiles' if taken[0] == 'covert' else 'k'}")
    return build({"junction": Junction}, "junction", {**changed, "k": str(k)})


def _show_table(measured: "Tradeoff") -> None:
    heads = ("point", "samples", "top-1", "natural", *measured.suspects)
    typer.echo(align_columns(heads, [_row(point, len(measured.suspects)) for point in measured.points]))


def _row(point: "Point", suspects: int) -> tuple[str, ...]:
    if not point.seen:
        return (point.name, "0", *["-"] * (2 + suspects))
    rates = (f"{100 * one.rate:.0f}% ({100 * one.low:.0f} to {100 * one.high:.0f})" for one in point.seen)
    return point.name, str(point.samples), f"{point.confidence:.4f}", f"{point.natural:.1f}%", *rates


def _command(given: Mapping[str, object]) -> str:
    """Return the command with these options, of which a list is given one by one and None not at all."""
    several = [(name, value if isinstance(value, list) else [value]) for name, value in given.items()]
    options = [(f"--{name}", str(one)) for name, values in several for one in values if one is not None]
    return shlex.join(["modelprint", "tradeoff", *(part for option in options for part in option)])
