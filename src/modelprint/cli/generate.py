"""Sealing a classifier: `generate`."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import bars, continued_by, show_json
from modelprint.cli.options import (
    AsJson,
    Data,
    Force,
    ImageShape,
    Network,
    Quiet,
    Seed,
    Settings,
    Weights,
    parse_shape,
    refuse_to_replace,
)

EPOCH = "SOURCE_DATE_EPOCH"
"""Seconds since 1970 to write into the file in place of the time, as reproducible builds have it."""


def generate(
    network: Network,
    data: Data,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The .mprint file to write.")],
    weights: Weights = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="How to craft; see: modelprint methods.")] = "misentry",
    settings: Settings = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many samples to seal, 1 to 10000.")] = 100,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Which honest serving differences must raise no alarm: exact or fp32.")
    ] = "fp32",
    multiple: Annotated[
        float, typer.Option(metavar="TIMES", help="Smallest margin of a sample, in noise floors of the profile.")
    ] = 3.0,
    expected_flip_rate: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Smallest share of labels changed by a tampering that the file claims to see, 0 to 1."
        ),
    ] = 0.25,
    seed: Seed = 0,
    image_shape: ImageShape = None,
    sources: Annotated[
        bool, typer.Option(help="Put the natural images that samples were crafted from into the file.")
    ] = True,
    allow_fewer: Annotated[bool, typer.Option("--allow-fewer", help="Seal fewer samples than asked for.")] = False,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Seal a classifier: craft samples and keep the steady ones.

    Unfinished work is kept in FILE.partial: after an interruption the same command continues, and the result is the
    same as without one. Equal arguments give equal files on one machine, apart from the date in them
    (SOURCE_DATE_EPOCH).

    Example: modelprint generate --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --count 100
    --seed 7 --output r20.mprint
    """
    refuse_to_replace(output, force)
    created = creation_time(os.environ)
    from modelprint.data import load_data
    from modelprint.generation import generate as craft_and_seal
    from modelprint.loading import load_classifier
    from modelprint.methods import METHODS, Work
    from modelprint.settings import build, parse_assignments

    chosen = build(METHODS, method, parse_assignments(settings or []))
    model = load_classifier(network, weights, image_shape=parse_shape(image_shape))
    partial = output.with_name(output.name + ".partial")
    with continued_by(f"run the same command again to go on; what is done is in {partial}"), bars(quiet) as progress:
        fingerprint, report = craft_and_seal(
            model,
            load_data(data, progress=progress),
            chosen,
            method_name=method,
            settings=asdict(chosen),  # type: ignore[call-overload]
            count=count,
            profile=profile,
            seed=seed,
            multiple=multiple,
            expected_flip_rate=expected_flip_rate,
            allow_fewer=allow_fewer,
            work=Work(progress=progress, folder=partial),
            created=created,
        )
    if not sources:
        bare = tuple(replace(sample, source=None) for sample in fingerprint.samples)
        fingerprint = replace(fingerprint, samples=bare)
    fingerprint.save(output)
    shutil.rmtree(partial, ignore_errors=True)
    if as_json:
        show_json({"file": str(output), "digest": fingerprint.digest, "report": asdict(report)})
    else:
        typer.echo(f"{report.summary()}\n{'sealed in':<12} {output}\n{'fingerprint':<12} {fingerprint.digest}")


def creation_time(environ: Mapping[str, str]) -> datetime | None:
    """Return the time to write into the file: of SOURCE_DATE_EPOCH, or None for now."""
    text = environ.get(EPOCH)
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{EPOCH} is a number of seconds since 1970, got {text!r}") from None
