"""Train a generator of natural-looking images: `train-generator`."""

from dataclasses import asdict
from typing import Annotated

import typer

from modelprint.cli.console import show_bars, show_json
from modelprint.cli.options import AsJson, Data, Quiet, Seed, Settings

MEASURED = 1000
"""Largest number of test images for the reconstruction error."""


def train_generator(
    data: Data,
    generator: Annotated[str, typer.Option(metavar="NAME", help="vq-vae, conv-vae or dense-vae.")] = "vq-vae",
    settings: Settings = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a generator of natural-looking images, and save it in the cache.

    Methods that search the latents of a generator load it from there if their settings name the same generator,
    settings and seed; without this command they train it themselves. The error is the mean square difference between
    test images in [0, 1] and their reconstructions; the variance of these images is the error of a constant image.

    Example: modelprint train-generator --generator vq-vae --data cifar10 --set epochs=5 --set revive=true
    """
    from modelprint.data import load_data
    from modelprint.generators import GENERATORS, decode, encode
    from modelprint.generators.store import generator_path, load_or_train_generator
    from modelprint.settings import build, parse_assignments
    from modelprint.tensors import to_images

    recipe = build(GENERATORS, generator, parse_assignments(settings or []))
    with show_bars(quiet) as progress:
        loaded = load_data(data, progress=progress)
        made = load_or_train_generator(generator, recipe, loaded, seed, progress)
    images = to_images(loaded.test.pixels[:MEASURED])
    error = (decode(made, encode(made, images)) - images).square().mean().item()
    record = {
        "file": str(generator_path(generator, recipe, loaded, seed)),
        "generator": generator,
        "settings": asdict(recipe),  # type: ignore[call-overload]
        "seed": seed,
        "data": loaded.name,
        "latent_shape": list(made.latent_shape),
        "error": error,
        "variance": images.var(correction=0).item(),
    }
    if as_json:
        show_json(record)
        return
    lines = {
        "generator": f"{generator} of {loaded.name}, seed {seed}, latents of {' x '.join(map(str, made.latent_shape))}",
        "error": f"{error:.3g} mean square on {len(images)} test images, whose variance is {record['variance']:.3g}",
        "saved in": record["file"],
    }
    typer.echo("\n".join(f"{name:<12} {text}" for name, text in lines.items()))
