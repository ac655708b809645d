"""What methods offer beyond crafting, by protocol."""

import pytest
import torch

from modelprint.generators.choice import GeneratorChoice
from modelprint.methods import METHODS, LabelsOnly, Method
from modelprint.methods.bisection import Bisection
from modelprint.methods.junction import Junction
from modelprint.methods.method import (
    Bounded,
    Crafted,
    JudgesEightBit,
    UsesGenerator,
    UsesZoo,
    constant_radii,
    read_settings,
)
from modelprint.methods.public_check import PublicCheck
from modelprint.methods.ssf import SSF
from modelprint.methods.ssf_bo import SSFBO
from modelprint.settings import settings_of


@pytest.mark.parametrize(
    ("protocol", "names"),
    [
        (Bounded, {"misentry", "ssf", "junction", "ibsf", "ssf-bo"}),
        (UsesGenerator, {"public-check", "ssf-bo"}),
        (UsesZoo, {"misentry", "junction"}),
        (JudgesEightBit, {"misentry", "ssf", "ibsf", "ssf-bo"}),
        (LabelsOnly, {"bisection", "public-check", "natural", "noise", "rotation", "distortion"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_protocol_is_offered_by_exactly_these_methods(protocol: type, names: set[str]) -> None:
    """So callers that ask with `isinstance` treat each method as its settings say."""
    assert {name for name, factory in METHODS.items() if isinstance(factory(), protocol)} == names


@pytest.mark.parametrize("name", METHODS)
def test_a_method_knows_its_name_and_settings(name: str) -> None:
    """The name in the table, and every field that the command line can set."""
    method = METHODS[name]()

    assert isinstance(method, Method)
    assert method.name == name
    assert set(read_settings(method)) == {setting.name for setting in settings_of(METHODS[name])}


def test_settings_include_defaults() -> None:
    """As they are written to files."""
    assert read_settings(Bisection()) == {"halvings": 12}
    assert read_settings(Bisection(halvings=3)) == {"halvings": 3}


def test_radii_are_those_of_the_settings() -> None:
    """A constant for all sources, a share of each source's norm, or none."""
    sources = torch.stack([torch.ones(1, 2, 2), torch.full((1, 2, 2), 0.5)])

    assert constant_radii(0.25, sources).tolist() == [0.25, 0.25]
    assert SSFBO(radius=0.25).radii(sources).tolist() == [0.25, 0.25]  # type: ignore[union-attr]
    assert Junction().radii(sources) is SSFBO().radii(sources) is None
    # 20 dB: a tenth of the norms 2 and 1
    assert SSF(snr=20.0).radii(sources).tolist() == pytest.approx([0.2, 0.1])


def test_a_generator_is_chosen_where_latents_are_searched() -> None:
    """A local search stays in the pixels and needs none."""
    choice = GeneratorChoice(name="dense-vae", settings=("latents=4",), seed=5)

    assert SSFBO(generator_settings=("latents=4",), generator_seed=5).choose_generator() == choice
    assert SSFBO(search="local").choose_generator() is None
    assert PublicCheck().choose_generator() == GeneratorChoice(name="vq-vae")


def test_an_image_comes_from_the_source_in_its_row_unless_origins_say_otherwise() -> None:
    """Rows 0, 1, 2 by default."""
    images = torch.zeros(3, 1, 2, 2)

    assert Crafted.all_of(images).rows.tolist() == [0, 1, 2]
    assert Crafted.all_of(images).usable.tolist() == [True, True, True]
    given = Crafted(images=images, usable=torch.ones(3, dtype=torch.bool), origins=torch.tensor([2, 2, 0]))
    assert given.rows.tolist() == [2, 2, 0]
