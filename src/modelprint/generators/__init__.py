"""Generators of natural-looking images. A kind is one file and one line in `GENERATORS`."""

from collections.abc import Callable

from modelprint.generators.conv_vae import ConvVae
from modelprint.generators.dense_vae import DenseVae
from modelprint.generators.generator import Generator, GeneratorNetwork, GeneratorRecipe, Quantised, decode, encode
from modelprint.generators.vq_vae import VqVae

GENERATORS: dict[str, Callable[..., GeneratorRecipe]] = {
    "vq-vae": VqVae,
    "conv-vae": ConvVae,
    "dense-vae": DenseVae,
}

__all__ = ["GENERATORS", "Generator", "GeneratorNetwork", "GeneratorRecipe", "Quantised", "decode", "encode"]
