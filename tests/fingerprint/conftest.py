"""What tests of fingerprint files share: an example, and ways to spoil its file."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785

from modelprint.errors import FingerprintError
from modelprint.fingerprint.blocks import Control, FlipCount, TamperingRate
from modelprint.fingerprint.container import read_members, write_members
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Provenance, Release, Sample
from modelprint.pixels import Picture

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]


def picture(index: int, shape: tuple[int, int, int] = (1, 8, 8)) -> Picture:
    """Return a picture unlike that of any other index."""
    ramp = np.arange(math.prod(shape)).reshape(shape)
    return Picture.of(((ramp * 3 + index * 17) % 256).astype(np.uint8))


def make_example(count: int = 5) -> Fingerprint:
    """Return the fingerprint that tests/golden/format-1.mprint was saved from, by its `save`."""
    samples = tuple(
        Sample(
            picture=picture(index),
            label=index % 3,
            margin=1e-3 * 2**index,
            confidence=0.5 + index / 20000,
            source=picture(100 + index) if index % 2 else None,
        )
        for index in range(count)
    )
    return Fingerprint(
        samples=samples,
        class_names=("zero", "Straße", "二"),
        profile=ProfileRecord(name="fp32", floor=2e-5, variants={"float64": 1e-5, "batch-7": 2e-5}),
        preprocessing=Preprocessing(channels=1, height=8, width=8, colour="L"),
        provenance=Provenance(
            method="example",
            settings={"steps": 40, "rate": 0.125, "kinds": ["a", "b"], "inner": {"on": True, "none": None}},
            seed=7,
            network="digits",
            model_sha256="0123456789abcdef" * 4,
            data="digits/train",
            data_sha256="fedcba9876543210" * 4,
            created="2026-01-31T12:00:00Z",
            version="0.1.0",
            crafted=8,
            lost_rounding=2,
            lost_steadiness=1,
            notes={"purpose": "stays readable for ever"},
        ),
    )


def make_with_releases() -> Fingerprint:
    """Return the fingerprint that tests/golden/format-2.mprint was saved from, by its `save`."""
    return replace(
        make_example(),
        releases=(
            Release(name="1.3 (Straße)", labels=(0, 2, 1, None, 1), model_sha256="89abcdef" * 8),
            Release(name="1.4 (int8)", labels=(0, 1, 2, 0, 1), precision="int8"),
        ),
    )


def make_with_blocks() -> Fingerprint:
    """Return the fingerprint that tests/golden/format-3.mprint was saved from, by its `save`."""
    made = make_with_releases()
    mirrored = Release(name="asked with BGR", labels=(2, None, 1, 0, 1), preprocessing="bgr")
    return replace(
        made,
        samples=tuple(replace(one, source_label=(one.label + 1) % 3) for one in made.samples[:3]) + made.samples[3:],
        profile=replace(made.profile, flip_rate=1e-3),
        releases=(*made.releases, mirrored),
        controls=tuple(Control(picture=picture(200 + index), label=index, margin=5.5 + index) for index in range(2)),
        honest_flips=FlipCount(answers=3000, flips=0, confidence=0.95),
        sensitivity=(
            TamperingRate(tampering="int8 weights", flipped=3, samples=5, moved=0.25),
            TamperingRate(tampering="prune 1 %", flipped=2, samples=5, moved=0.125),
        ),
    )


@pytest.fixture(scope="session")
def with_blocks() -> Callable[[], Fingerprint]:
    """Return the maker of the example of format 3."""
    return make_with_blocks


@pytest.fixture(scope="session")
def example() -> Callable[..., Fingerprint]:
    """Return the maker of the example of format 1."""
    return make_example


@pytest.fixture(scope="session")
def with_releases() -> Callable[[], Fingerprint]:
    """Return the maker of the example of format 2."""
    return make_with_releases


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A good file to be spoilt."""
    path = tmp_path / "good.mprint"
    make_example().save(path)
    return path


@pytest.fixture(scope="session")
def remade() -> Remake:
    """Return a function that changes manifest and members of a file."""

    def make(path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
        """Return a well-formed archive whose manifest and members went through `change`."""
        members = read_members(path)
        manifest = json.loads(members.pop("manifest.json"))
        change(manifest, members)
        write_members(path, {"manifest.json": rfc8785.dumps(manifest), **members})
        return path

    return make


@pytest.fixture(scope="session")
def with_manifest() -> Callable[[Path, bytes], Path]:
    """Return a function that replaces the manifest of a file."""

    def make(path: Path, content: bytes) -> Path:
        """Return an archive with these very bytes as its manifest."""
        write_members(path, read_members(path) | {"manifest.json": content})
        return path

    return make


@pytest.fixture(scope="session")
def reason() -> Callable[[Path], str]:
    """Return a function that says why a file is refused."""

    def make(path: Path) -> str:
        """Return why a file is refused, and check that the message is one line that starts with its path."""
        with pytest.raises(FingerprintError) as caught:
            Fingerprint.load(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    return make
