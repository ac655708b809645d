"""Getting to know an endpoint: `endpoint probe`. Needs no torch."""

from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import print_remark
from modelprint.cli.options import AsJson, Quiet, parse_shape

endpoint_app = typer.Typer(rich_markup_mode=None, help="Endpoints: what to know before the first sample is spent.")

SILENT = 3


@endpoint_app.callback()
def endpoints() -> None:
    """Endpoints: what to know before the first sample is spent."""


@endpoint_app.command()
def probe(
    endpoint: Annotated[
        Path, typer.Argument(metavar="ENDPOINT", help="A YAML file that describes the endpoint.", show_default=False)
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Ask about test images of this data set, and propose a label map from their labels.",
        ),
    ] = None,
    fingerprint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take class names and ordinary images with known labels from this file, or its image shape where it "
            "has none; never samples.",
        ),
    ] = None,
    image_shape: Annotated[
        str, typer.Option(metavar="C,H,W", help="Shape of the made-up images that are sent without the two above.")
    ] = "3,32,32",
    count: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many images to send; one more repeats the first.")
    ] = 10,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Send a few ordinary images and say how the endpoint answers.

    Shown are its labels, scores, speed, repeatability and hints about itself, and with --fingerprint or --data how many
    labels are the expected ones. No sample of a fingerprint is sent. Exits with 0 when every image got a label, with 3
    when not.

    Example: modelprint endpoint probe endpoint.yaml --data cifar10
    """
    from modelprint.cli.probing import choose_probe_images
    from modelprint.oracles.endpoint import load_endpoint
    from modelprint.oracles.probing import probe as ask

    described = load_endpoint(endpoint)
    shape = parse_shape(image_shape)
    assert shape is not None
    asked = choose_probe_images(described, data, fingerprint, shape, count)
    if not asked.class_names:
        print_remark(
            "without --data or --fingerprint the class names are unknown, so no label can be understood", quiet
        )
    report = ask(described, asked.pictures, asked.class_names, labels=asked.labels, sure=asked.sure)
    typer.echo(report.to_json() if as_json else report.summary())
    raise typer.Exit(0 if report.answered == report.asked else SILENT)
