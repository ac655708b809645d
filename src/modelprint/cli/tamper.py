"""Make a suspect: `tamper`."""

from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import show_bars, show_json
from modelprint.cli.options import (
    AsJson,
    Data,
    Force,
    ImageShape,
    Mean,
    Network,
    Quiet,
    SearchPath,
    Seed,
    Settings,
    Std,
    Weights,
    parse_normalisation,
    parse_shape,
    refuse_to_replace,
)


def tamper(
    kind: Annotated[str, typer.Option(metavar="NAME", help="The tampering; see: modelprint tamperings.")],
    network: Network,
    data: Data,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The .safetensors file to write.")],
    weights: Weights = None,
    settings: Settings = None,
    seed: Seed = 0,
    image_shape: ImageShape = None,
    mean: Mean = None,
    std: Std = None,
    search_path: SearchPath = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tamper with a copy of a classifier, and measure the change.

    The suspect is written with a record of the tampering: settings, steps, and the movement, which is the relative L2
    distance of parameters and buffers, the RMS change of logits and the share of labels changed on the test images, and
    the accuracy before and after (0 to 1).

    Example: modelprint tamper --kind finetune-last-1e-5 --network resnet20 --weights cifar10_resnet20.safetensors
    --data cifar10 --seed 1 --output suspects/finetuned.safetensors
    """
    refuse_to_replace(output, force)
    from modelprint.data import load_data
    from modelprint.loading import load_classifier, save_weights
    from modelprint.settings import build, parse_assignments
    from modelprint.tamperings import SUITE, make_suspect

    tampering = build(SUITE, kind, parse_assignments(settings or []))
    outside = parse_normalisation(mean, std)
    shape = parse_shape(image_shape)
    model = load_classifier(network, weights, image_shape=shape, search_path=search_path, normalisation=outside)
    with show_bars(quiet) as progress:
        suspect = make_suspect(kind, tampering, model, load_data(data, progress=progress), seed, progress=progress)
    record = suspect.record()
    save_weights(suspect.classifier, output, record)
    if as_json:
        show_json({"file": str(output), **record})
        return
    typer.echo(f"{suspect.summary()}\n{'written to':<12} {output}")
