"""Fingerprints of a plan: what they are made with, and what their content is."""

from dataclasses import replace

from modelprint.bench.detection.fingerprints import REVISION, FingerprintRecipe
from modelprint.bench.detection.plan import (
    PlannedDetection,
    PlannedFingerprint,
)
from modelprint.bench.plan import Plan
from modelprint.bench.plan_file import parse_plan
from modelprint.cache import content_key
from modelprint.generators import ConvVae
from modelprint.generators.choice import GeneratorChoice


def detection(plan: Plan) -> PlannedDetection:
    """Return what a plan says about detection."""
    return plan.part(PlannedDetection)


def test_fingerprints_share_a_generator() -> None:
    """It follows from three settings of a method; who climbs in the pixels has none."""
    settings = {"generator": "conv-vae", "generator_settings": ["epochs=3", "latents=4"], "generator_seed": 5}
    walk = PlannedFingerprint(name="walk", method="public-check", settings=settings)
    other = PlannedFingerprint(name="other", method="public-check", settings=settings | {"rate": 0.5})
    local = PlannedFingerprint(name="local", method="ssf-bo", settings={"search": "local"})

    generator = walk.generator()

    assert (
        generator == other.generator() == GeneratorChoice(name="conv-vae", settings=("epochs=3", "latents=4"), seed=5)
    )
    assert generator is not None and generator.build() == ConvVae(epochs=3, latents=4)
    assert local.generator() is PlannedFingerprint(name="natural", method="natural").generator() is None


def test_a_search_is_handed_floats() -> None:
    """Methods that could judge eight-bit images do not, unless the plan says so."""
    one = PlannedFingerprint(name="x", method="ssf", rounding="search")

    assert not one.build().eight_bit
    assert replace(one, rounding="nearest").build().eight_bit
    assert replace(one, settings={"eight_bit": True}).build().eight_bit


def test_rounding_is_a_part_of_what_a_fingerprint_is(tiny_plan: str) -> None:
    """Where it is not the usual one: the key is that of the settings alone."""
    searched = tiny_plan.replace("count = 6", 'count = 6, rounding = "search"', 1)
    usual, other = (detection(parse_plan(text)).fingerprints[0] for text in (tiny_plan, searched))

    keys = [FingerprintRecipe(planned=planned, seed=7, zoo=()).key("m", "d") for planned in (usual, other)]

    assert (usual.rounding, usual.survives) == ("nearest", "exact")
    assert (other.rounding, other.survives) == ("search", "exact, rounded by search")
    assert keys[0] == content_key([REVISION, "m", "d", "natural", {}, 6, "exact", "8-bit", 7, []])
    assert keys[1] != keys[0]
