"""The optional blocks of format 3 are refused, with the entry that is wrong, when they make no sense."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.fingerprint.blocks import BLOCK_NAMES, BlockEntries, Control, FlipCount, TamperingRate
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.pixels import Picture

Change = Callable[[dict[str, Any], dict[str, bytes]], object]
Remake = Callable[[Path, Change], Path]


def put(*keys: str | int, value: object) -> Change:
    """Return a change that sets one place of the manifest."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        place: Any = manifest
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def test_every_block_is_read_and_written() -> None:
    """Its name is in both lists, or a file would be refused by the version that wrote it."""
    assert tuple(BlockEntries.model_fields) == BLOCK_NAMES


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("controls", 0, "label", value=3), "control 0 has label 3, but there are 3 class names"),
        (put("controls", 0, "label", value=-1), "the label of a control is a class index and cannot be negative"),
        (put("controls", 0, "label", value=True), "manifest.json: controls.0.label: "),
        (put("controls", 0, "margin", value=-1), "the margin of a control is a finite difference of logits"),
        (put("controls", 0, "margin", value=None), "manifest.json: controls.0.margin: "),
        (put("controls", 0, "extra", value=1), "manifest.json: controls.0.extra: "),
        (put("controls", value=[]), "lists 'controls/0000.png', which belongs to none of its 5 samples"),
        (put("controls", value=None), "manifest.json: controls: "),
        (
            put("controls", value=[{"label": 0, "margin": 1}] * 65),
            "has 5 samples and 65 controls but does not list controls/0002.png",
        ),
        (put("honest_flips", "answers", value=0), "honest_flips: answers is a whole number from 1"),
        (put("honest_flips", "flips", value=3001), "honest_flips: flips is 0 to 3000"),
        (put("honest_flips", "flips", value=-1), "honest_flips: flips is 0 to 3000"),
        (put("honest_flips", "flips", value=4), "4 of 3000 answers flipped, which is more than the flip rate 0.001"),
        (put("honest_flips", "confidence", value=1), "confidence is a probability between 0 and 1, got 1"),
        (put("honest_flips", value=None), "manifest.json is not spelled as we write it"),
        (put("sensitivity", value=[]), "manifest.json is not spelled as we write it"),
        (put("sensitivity", 0, "flipped", value=6), "sensitivity to int8 weights: flipped is 0 to 5"),
        (put("sensitivity", 0, "samples", value=0), "sensitivity to int8 weights: samples is a whole number from 1"),
        (put("sensitivity", 0, "moved", value=-0.5), "sensitivity to int8 weights: moved is a finite number"),
        (put("sensitivity", 0, "tampering", value="a\x1b"), "the name of a tampering is 1 to 100 printable"),
        (put("sensitivity", 0, "tampering", value="prune 1 %"), "the tampering 'prune 1 %' is there twice"),
        (put("samples", 0, "source_label", value=3), "the source of sample 0 has label 3, but there are 3 class names"),
        (put("samples", 0, "source_label", value=-1), "a source_label is a class index and cannot be negative"),
        (put("samples", 0, "source_label", value=None), "manifest.json is not spelled as we write it"),
        (put("samples", 0, "source_label", value=1.5), "manifest.json: samples.0.source_label: "),
        (put("releases", 2, "preprocessing", value=""), "the preprocessing of a release is 1 to 100 printable"),
        (put("releases", 2, "preprocessing", value=7), "manifest.json: releases.2.preprocessing: "),
        (put("format", value=2), "format is 2, but what is in it is written as format 3"),
        (
            lambda manifest, members: members.update({"controls/0001.png": members["samples/0000.png"]}),
            "controls/0001.png has",
        ),
        (lambda manifest, members: members.pop("controls/0001.png"), "controls/0001.png is missing"),
        (
            lambda manifest, members: manifest["members"].pop("controls/0001.png"),
            "has 5 samples and 2 controls but does not list controls/0001.png",
        ),
    ],
)
def test_a_wrong_block_is_named(
    tmp_path: Path,
    change: Change,
    expected: str,
    with_blocks: Callable[[], Fingerprint],
    remade: Remake,
    reason: Callable[[Path], str],
) -> None:
    """Counts, shares, labels and pictures are checked like everything else, and each content has one spelling."""
    path = tmp_path / "blocks.mprint"
    with_blocks().save(path)

    assert expected in reason(remade(path, change))


def test_a_normalisation_outside_the_model_is_of_format_3(example: Callable[..., Fingerprint], tmp_path: Path) -> None:
    """An older version would feed the model wrongly; the numbers are read as they were written."""
    made = example()
    outside = replace(made, preprocessing=replace(made.preprocessing, mean=(0.1307,), std=(0.3081,)))
    outside.save(tmp_path / "outside.mprint")

    assert outside.format == 3
    assert Fingerprint.load(tmp_path / "outside.mprint") == outside


def test_a_file_has_64_controls_at_most(with_blocks: Callable[[], Fingerprint]) -> None:
    """And 64 tamperings."""
    made = with_blocks()
    many = tuple(replace(made.sensitivity[0], tampering=f"{index}") for index in range(65))

    with pytest.raises(ValueError, match="at most 64 controls, got 66"):
        replace(made, controls=made.controls * 33)
    with pytest.raises(ValueError, match="names at most 64 tamperings, got 65"):
        replace(made, sensitivity=many)


def test_a_control_has_the_shape_of_the_samples(with_blocks: Callable[[], Fingerprint], tmp_path: Path) -> None:
    """It is asked as they are."""
    made = with_blocks()
    small = Picture.of(made.samples[0].picture.pixels[:, :4])

    with pytest.raises(ValueError, match=r"control 1 has shape \(1, 4, 8\)"):
        replace(made, controls=(made.controls[0], replace(made.controls[1], picture=small)))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: FlipCount(answers=2**53, flips=0, confidence=0.95), "answers is a whole number"),
        (lambda: FlipCount(answers=1, flips=0, confidence=math.nan), "confidence is a probability"),
        (lambda: TamperingRate(tampering="x", flipped=0, samples=1, moved=math.inf), "moved is a finite number"),
        (lambda: Control(picture=Picture(b""), label=0, margin=math.nan), "finite difference of logits"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(make: Callable[[], object], expected: str) -> None:
    """The owner sees it when the record is made."""
    with pytest.raises(ValueError, match=expected):
        make()
