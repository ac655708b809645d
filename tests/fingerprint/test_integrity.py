"""Samples, labels and releases are read as they were written, or refused with the entry that is wrong."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Release

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1.mprint"
FORMAT_2 = FORMAT_1.with_name("format-2.mprint")
FORMAT_2_DIGEST = "d2f1f173d3afeeffe68ca97dd86528ed64421756a2e2225a72c59bcca8cc5f2d"

FORMAT_3 = FORMAT_1.with_name("format-3.mprint")
FORMAT_3_DIGEST = "bf7f80b28861859c73461b3599ec2fea0e5381be851298440569f1b8d9c2157f"

FORMAT_1_DIGEST = "e1ac708d1d982842d6d78d5ac2ed8c858527432224e5121431d0690c5b4f527f"


def put(*keys: str | int, value: object) -> Change:
    """Return a change that sets one place of the manifest."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        place: Any = manifest
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def test_the_file_of_format_1_stays_readable(example: Callable[..., Fingerprint]) -> None:
    """A file written by the first release reads as what it was made from; its digest never changes."""
    loaded = Fingerprint.load(FORMAT_1)

    made = example()
    assert loaded.digest == FORMAT_1_DIGEST
    assert [one.label for one in loaded.samples] == [0, 1, 2, 0, 1]
    for one, other in zip(loaded.samples, made.samples, strict=True):
        np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)
        assert (one.margin, one.confidence) == (other.margin, other.confidence)
        assert (one.source is None) == (other.source is None)
    assert replace(loaded, samples=made.samples) == made


def test_the_file_of_format_2_stays_readable(with_releases: Callable[[], Fingerprint]) -> None:
    """Labels of releases, those that are not sure too, read as they were written; the digest never changes."""
    loaded, made = Fingerprint.load(FORMAT_2), with_releases()

    assert loaded.digest == FORMAT_2_DIGEST
    assert loaded.releases == made.releases
    assert replace(loaded, samples=made.samples) == made


def test_the_file_of_format_3_stays_readable(with_blocks: Callable[[], Fingerprint]) -> None:
    """Labels of sources, preprocessing and all blocks read as they were written; the digest never changes."""
    loaded, made = Fingerprint.load(FORMAT_3), with_blocks()

    assert loaded.digest == FORMAT_3_DIGEST
    assert loaded == made
    assert [one.source_label for one in loaded.samples] == [1, 2, 0, None, None]


@pytest.mark.parametrize(
    "part",
    [
        {"controls": ()},
        {"honest_flips": None},
        {"sensitivity": ()},
        {"controls": (), "honest_flips": None, "sensitivity": (), "releases": ()},
    ],
)
def test_each_entry_of_format_3_may_be_missing(
    part: dict[str, Any], with_blocks: Callable[[], Fingerprint], tmp_path: Path
) -> None:
    """A file without it is read as it was made, and stays of format 3 for what is left."""
    made = replace(with_blocks(), **part)
    made.save(tmp_path / "part.mprint")

    assert Fingerprint.load(tmp_path / "part.mprint") == made
    assert made.format == 3
    assert not {name for name, value in part.items() if not value} & json.loads(made.manifest).keys()


def test_other_preprocessing_is_no_other_model(with_blocks: Callable[[], Fingerprint]) -> None:
    """It is listed apart: nothing has to be told from it, and no share of an error goes to it."""
    made = with_blocks()

    assert [one.name for one in made.models] == ["1.3 (Straße)", "1.4 (int8)"]
    assert [one.name for one in made.preprocessings] == ["asked with BGR"]
    assert "asked with BGR" not in made.label_sets
    assert made.separations.keys() == {"the protected model", "1.3 (Straße)"}


def test_without_releases_old_versions_can_read_what_is_written(
    saved: Path, example: Callable[..., Fingerprint], with_releases: Callable[[], Fingerprint]
) -> None:
    """Such a file is of format 1, whose digest it keeps; with releases it is of format 2."""
    assert Fingerprint.load(saved).digest == FORMAT_1_DIGEST
    assert json.loads(example().manifest)["format"] == 1
    assert json.loads(with_releases().manifest)["format"] == 2


def test_a_summary_says_what_matters(example: Callable[..., Fingerprint]) -> None:
    """Digest, model, method, counts and rates are there to be read."""
    text = example().summary()

    assert example().digest in text
    assert "samples      5 of 8 x 8 L" in text
    assert "3; most samples: zero 2, Straße 2, 二 1" in text
    assert "noise floor 2e-05 logits over 2 variants, margins at least 3 times that" in text
    assert "2 to rounding, 1 to noise, of 8 crafted" in text


def test_a_summary_says_how_many_samples_tell_a_release_from_the_protected_model(
    with_releases: Callable[[], Fingerprint],
) -> None:
    """Samples on which a release is not sure of its label do not count."""
    made = with_releases()

    assert "release      1.3 (Straße): 2 of 5 samples tell it from the protected model" in made.summary()
    assert "release      1.4 (int8): 0 of 5 samples tell it from the protected model" in made.summary()
    assert made.separations == {
        "the protected model": {"1.3 (Straße)": 2, "1.4 (int8)": 0},
        "1.3 (Straße)": {"1.4 (int8)": 2},
    }


def test_a_summary_says_how_the_rates_were_measured(with_blocks: Callable[[], Fingerprint]) -> None:
    """Counts, not only the rates that follow from them."""
    text = with_blocks().summary()

    assert "controls     2 ordinary images, margins 5.5 logits or more" in text
    assert "p0 from      0 of 3000 answers flipped when served honestly, upper bound at 95%" in text
    assert "p1 from      labels flipped by int8 weights 3 of 5, prune 1 % 2 of 5" in text
    assert "explains     other preprocessing: bgr" in text


def test_a_fingerprint_cannot_be_changed(example: Callable[..., Fingerprint]) -> None:
    """Sealed means sealed."""
    with pytest.raises(FrozenInstanceError):
        example().samples = ()  # type: ignore[misc]


def test_the_documented_manifest_has_the_real_entries(
    example: Callable[..., Fingerprint],
    with_releases: Callable[[], Fingerprint],
    with_blocks: Callable[[], Fingerprint],
) -> None:
    """The sample in the documents names every entry there is, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "file-format.md").read_text()
    documented = json.loads(page.partition("```json\n")[2].partition("```")[0])
    real = json.loads(example(1).manifest)

    assert documented.keys() == real.keys()
    for part in ("preprocessing", "profile", "provenance", "members"):
        assert documented[part].keys() == real[part].keys()
    assert documented["samples"][0].keys() == real["samples"][0].keys()
    _, _, releases, blocks, *_ = (json.loads(part.partition("```")[0]) for part in ("{}```" + page).split("```json\n"))
    assert releases["releases"][0].keys() == json.loads(with_releases().manifest)["releases"][0].keys()
    newest = json.loads(with_blocks().manifest)
    assert blocks.keys() == {"samples", "releases", "controls", "honest_flips", "sensitivity"}
    assert blocks["samples"][0].keys() == newest["samples"][0].keys()
    assert blocks["releases"][0].keys() == newest["releases"][2].keys()
    assert blocks["honest_flips"].keys() == newest["honest_flips"].keys()
    for name in ("controls", "sensitivity"):
        assert blocks[name][0].keys() == newest[name][0].keys()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("samples", 1, "label", value=3), "sample 1 has label 3, but there are 3 class names"),
        (put("samples", 1, "label", value=-1), "cannot be negative, got -1"),
        (put("samples", 1, "label", value=True), "manifest.json: samples.1.label: "),
        (put("samples", 1, "label", value=1.5), "manifest.json: samples.1.label: "),
        (put("samples", 1, "label", value="1"), "manifest.json: samples.1.label: "),
        (put("samples", 1, "margin", value=-0.5), "at least 0, got -0.5"),
        (put("samples", 1, "margin", value=None), "manifest.json: samples.1.margin: "),
        (put("samples", 1, "confidence", value=1.25), "a confidence is a probability, got 1.25"),
        (put("samples", 1, "extra", value=0), "manifest.json: samples.1.extra: "),
        (put("samples", value=[]), "which belongs to none of its 0 samples"),
        (put("class_names", value=["one"]), "2 to 1000000 classes, got 1"),
        (put("class_names", 0, value="\x1b[2J"), "cannot be printed: '\\x1b[2J'"),
        (put("class_names", 0, value="a\u202eb"), "cannot be printed"),
        (put("expected_flip_rate", value=1), "lies between the honest flip rate 0.0001 and 1, got 1"),
        (put("expected_flip_rate", value=0.00001), "lies between the honest flip rate 0.0001 and 1"),
        (put("profile", "flip_rate", value=1e-20), "flip_rate is a probability from 1e-09 to 1, got 1e-20"),
        (put("profile", "flip_rate", value=0), "manifest.json: profile: profile fp32: flip_rate is a probability"),
        (put("profile", "floor", value=-1), "floor is a finite number, at least 0, got -1"),
        (put("profile", "variants", "batch-7", value="x"), "manifest.json: profile.variants.batch-7: "),
        (put("profile", "novelty", value=1), "manifest.json: profile.novelty: "),
        (put("preprocessing", "colour", value="RGB"), "colour 'RGB' does not go with 1 channels"),
        (put("preprocessing", "colour", value="BGR"), "manifest.json: preprocessing.colour: "),
        (put("preprocessing", "height", value=9), "sample 0 has shape (1, 8, 8)"),
        (put("preprocessing", "width", value=10**6), "1 to 4096 pixels wide and high"),
        (put("preprocessing", "value_range", value=[0]), "manifest.json: preprocessing.value_range"),
        (put("provenance", "seed", value=-1), "seed is a whole number from 0 to 2**53 - 1, got -1"),
        (put("provenance", "model_sha256", value="abc"), "model_sha256 is 64 hexadecimal digits, got 'abc'"),
        (put("provenance", "created", value="2026-01-31T12:00:00+01:00"), "created is a time in UTC"),
        (put("provenance", "created", value="yesterday"), "created is a time in UTC"),
        (put("provenance", "lost_rounding", value=9), "10 samples were lost, but only 8 were crafted"),
        (put("provenance", "notes", value={"\x07": "bell"}), "cannot be printed"),
        (put("provenance", "settings", value={"deep": ["\x00"]}), "cannot be printed"),
        (
            lambda manifest, members: manifest["profile"].pop("variants"),
            "manifest.json is not spelled as we write it; an entry is missing",
        ),
        (put("members", "samples/0000.png", "size", value=1), "but manifest.json says 1"),
        (put("members", "samples/0000.png", "sha256", value="0" * 64), "samples/0000.png was changed: its SHA-256 is"),
        (put("members", "../x", value={"sha256": "0" * 64, "size": 1}), "manifest.json lists '../x', which belongs to"),
        (put("members", "sources/0000.png", value={"sha256": "0" * 64, "size": 1}), "sources/0000.png is missing"),
    ],
)
def test_a_wrong_entry_is_named(
    saved: Path, change: Change, expected: str, remade: Remake, reason: Callable[[Path], str]
) -> None:
    """The message says which entry of the manifest is wrong and how."""
    assert expected in reason(remade(saved, change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("releases", value=[]), "format is 2, but what is in it is written as format 1"),
        (put("releases", value=None), "manifest.json: releases: "),
        (put("format", value=1), "format is 1, but what is in it is written as format 2"),
        (put("format", value=3), "format is 3, but what is in it is written as format 2"),
        (put("releases", 0, "preprocessing", value=None), "manifest.json is not spelled as we write it"),
        (put("releases", 0, "labels", 1, value=3), "release 1.3 (Straße) has label 3, but there are 3 class names"),
        (put("releases", 0, "labels", 1, value=-1), "release 1.3 (Straße) has label -1; a label is a class index"),
        (put("releases", 0, "labels", 1, value=True), "manifest.json: releases.0.labels.1: "),
        (put("releases", 0, "labels", 1, value=1.5), "manifest.json: releases.0.labels.1: "),
        (put("releases", 0, "labels", value=[0, 1]), "release 1.3 (Straße) has 2 labels for 5 samples"),
        (put("releases", 0, "labels", value=[0] * 10_001), "has 10001 labels for 5 samples"),
        (put("releases", 0, "labels", value=[]), "release 1.3 (Straße) has no label that is sure"),
        (put("releases", 0, "labels", value=[None] * 5), "release 1.3 (Straße) has no label that is sure"),
        (put("releases", 0, "name", value="1.4 (int8)"), "two releases are called '1.4 (int8)'"),
        (put("releases", 0, "name", value=""), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="x" * 101), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="\x1b[2J"), "no space at either end, got '\\x1b[2J'"),
        (put("releases", 0, "name", value="1.3 "), "the name of a release is 1 to 100 printable characters"),
        (put("releases", 0, "name", value="the protected model"), "a release cannot be called 'the protected model'"),
        (put("releases", 0, "precision", value="in\nt8"), "the precision of a release is 1 to 100 printable"),
        (put("releases", 0, "model_sha256", value="abc"), "model_sha256 of release 1.3 (Straße) is 64 hexadecimal"),
        (put("releases", 0, "novelty", value=1), "manifest.json: releases.0.novelty: "),
        (
            put("releases", 0, value={"name": "1.3", "labels": [0] * 5}),
            "manifest.json is not spelled as we write it; an entry is missing",
        ),
        (
            put("releases", value=[vars(Release(name=f"{i}", labels=(0,) * 5)) for i in range(65)]),
            "a fingerprint carries at most 64 releases, got 65",
        ),
    ],
)
def test_a_wrong_release_is_named(
    tmp_path: Path,
    change: Change,
    expected: str,
    with_releases: Callable[[], Fingerprint],
    remade: Remake,
    reason: Callable[[Path], str],
) -> None:
    """Labels, names and numbers of releases are checked like everything else, and each content has one spelling."""
    path = tmp_path / "releases.mprint"
    with_releases().save(path)

    assert expected in reason(remade(path, change))


def test_format_1_has_no_releases(saved: Path, remade: Remake, reason: Callable[[Path], str]) -> None:
    """Not even an empty list of them: the file would have two spellings."""
    expected = "manifest.json is not spelled as we write it; an entry is missing or not needed"

    assert reason(remade(saved, put("releases", value=[]))) == expected


@pytest.mark.parametrize("key", sorted(json.loads(Fingerprint.load(FORMAT_1).manifest)))
def test_every_entry_is_needed(saved: Path, key: str, remade: Remake, reason: Callable[[Path], str]) -> None:
    """A manifest without one of its entries is refused, and the message names it."""
    change = remade(saved, lambda manifest, members: manifest.pop(key))

    assert key in reason(change)
