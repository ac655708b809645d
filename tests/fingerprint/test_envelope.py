"""Every kind of fingerprint is saved, loaded and identified in one way."""

import hashlib
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from modelprint.fingerprint.envelope import Envelope
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.pixels import Picture

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]

GOLDEN = Path(__file__).parents[1] / "golden"
DIGESTS = {
    "format-1": (Fingerprint, "e1ac708d1d982842d6d78d5ac2ed8c858527432224e5121431d0690c5b4f527f"),
    "format-2": (Fingerprint, "d2f1f173d3afeeffe68ca97dd86528ed64421756a2e2225a72c59bcca8cc5f2d"),
    "format-3": (Fingerprint, "bf7f80b28861859c73461b3599ec2fea0e5381be851298440569f1b8d9c2157f"),
    "format-3-scores": (Fingerprint, "1480fe66309eae17648ff9f302577e5f636c78e6d2ca47ba460a97376ed58bc1"),
    "ownership-labels-1": (OwnershipFingerprint, "9b52c75f6951df510bffc399a03737f085e970d97a44cc24b507059c2c3fac2e"),
    "ownership-views-1": (OwnershipFingerprint, "a8fa1312b60ceb513ad4ce8a20fdf84dfd8e3ce677319a98cb99ddaa6636a5ae"),
}


def test_every_golden_file_is_known() -> None:
    """A new format adds its file and its digest."""
    assert {path.stem for path in GOLDEN.glob("*.mprint")} == DIGESTS.keys()


@pytest.mark.parametrize("name", DIGESTS)
def test_a_golden_file_keeps_its_digest_and_its_bytes(name: str, tmp_path: Path) -> None:
    """What any version wrote is read for ever, and saved again to the very same bytes."""
    kind, digest = DIGESTS[name]

    loaded = kind.load(GOLDEN / f"{name}.mprint")
    loaded.save(tmp_path / "again.mprint")

    assert loaded.digest == digest
    assert (tmp_path / "again.mprint").read_bytes() == (GOLDEN / f"{name}.mprint").read_bytes()


@pytest.mark.parametrize("kind", [Fingerprint, OwnershipFingerprint])
def test_a_payload_overrides_nothing_of_the_envelope(kind: type[Envelope[Any]]) -> None:
    """It fills in what is abstract; the rest exists once."""
    finished = {name for name, value in vars(Envelope).items() if not name.startswith("_")}
    finished -= set(Envelope.__abstractmethods__) | {"kind", "newest"}

    assert {"manifest", "digest", "save", "load", "to_json"} <= finished
    assert not finished & vars(kind).keys()


def picture(index: int, shape: tuple[int, int, int] = (1, 8, 8)) -> Picture:
    """Return a picture unlike that of any other index."""
    ramp = np.arange(math.prod(shape)).reshape(shape)
    return Picture.of(((ramp * 3 + index * 17) % 256).astype(np.uint8))


def test_what_is_saved_is_what_is_loaded(saved: Path, example: Callable[..., Fingerprint]) -> None:
    """Nothing is lost on the way: pictures byte for byte, numbers exactly."""
    assert Fingerprint.load(saved) == example()


def test_equal_fingerprints_are_equal_files(tmp_path: Path, example: Callable[..., Fingerprint]) -> None:
    """The bytes depend on nothing but the content: no clock, no order of dictionaries."""
    other = example()
    other = replace(other, profile=replace(other.profile, variants=dict(reversed(other.profile.variants.items()))))

    example().save(tmp_path / "a.mprint")
    other.save(tmp_path / "b.mprint")

    assert (tmp_path / "a.mprint").read_bytes() == (tmp_path / "b.mprint").read_bytes()


def test_the_digest_is_that_of_the_manifest(saved: Path, example: Callable[..., Fingerprint]) -> None:
    """Anyone can compute the identity with unzip and sha256sum."""
    with zipfile.ZipFile(saved) as archive:
        manifest = archive.read("manifest.json")

    assert example().digest == hashlib.sha256(manifest).hexdigest()
    assert manifest == rfc8785.dumps(json.loads(manifest))


@pytest.mark.parametrize("change", ["label", "margin", "picture", "name", "flip rate"])
def test_every_part_is_in_the_digest(change: str, example: Callable[..., Fingerprint]) -> None:
    """Two fingerprints that differ anywhere have different identities."""
    made = example()
    first, *others = made.samples
    changed = {
        "label": replace(made, samples=(replace(first, label=2), *others)),
        "margin": replace(made, samples=(replace(first, margin=0.5), *others)),
        "picture": replace(made, samples=(replace(first, picture=picture(55)), *others)),
        "name": replace(made, class_names=("zero", "one", "two")),
        "flip rate": replace(made, expected_flip_rate=0.3),
    }[change]

    assert changed.digest != made.digest


@settings(max_examples=60, deadline=None)
@given(
    margin=st.floats(min_value=0, max_value=1e300),
    confidence=st.floats(min_value=0, max_value=1),
    name=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
    setting=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcé"), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_number_and_text_survives(
    tmp_path_factory: pytest.TempPathFactory,
    margin: float,
    confidence: float,
    name: str,
    setting: Any,
    example: Callable[..., Fingerprint],
) -> None:
    """Canonical JSON keeps every float, every whole number up to 2**53 and every printable text."""
    path = tmp_path_factory.mktemp("any") / "any.mprint"
    made = example(1)
    made = replace(
        made,
        samples=(replace(made.samples[0], margin=margin, confidence=confidence),),
        class_names=(name, "other"),
        provenance=replace(made.provenance, settings={"any": setting}),
    )

    made.save(path)

    assert Fingerprint.load(path) == made


def test_json_is_the_manifest_with_the_digest(example: Callable[..., Fingerprint]) -> None:
    """A program finds everything but the pictures in one object."""
    record = json.loads(example().to_json())

    assert record.pop("digest") == example().digest
    assert record == json.loads(example().manifest)


def test_a_setting_that_json_cannot_carry_is_a_value_error(tmp_path: Path, example: Callable[..., Fingerprint]) -> None:
    """A number beyond 2**53 would arrive as another one."""
    made = example()
    made = replace(made, provenance=replace(made.provenance, settings={"large": 2**53}))

    with pytest.raises(ValueError, match="cannot be written as canonical JSON"):
        made.save(tmp_path / "x.mprint")
