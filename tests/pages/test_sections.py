"""The gallery of a study shows the first samples of a fingerprint."""

from pathlib import Path

from modelprint.fingerprint.integrity import Fingerprint
from modelprint.pages.html import data_uri
from modelprint.pages.sections import GALLERY, GallerySample, make_gallery

GOLDEN = Path(__file__).parents[1] / "golden"


def test_samples_are_shown_with_their_label_and_numbers() -> None:
    """Picture, source, class name, confidence and margin of the file, in its order."""
    fingerprint = Fingerprint.load(GOLDEN / "format-1.mprint")

    gallery = make_gallery(fingerprint)

    assert 0 < len(gallery) == min(GALLERY, len(fingerprint.samples))
    sample = fingerprint.samples[0]
    assert gallery[0] == GallerySample(
        picture=data_uri(sample.picture),
        source="" if sample.source is None else data_uri(sample.source),
        label=fingerprint.class_names[sample.label],
        numbers=f"p {sample.confidence:.2f}, margin {sample.margin:.2g}",
    )


def test_the_gallery_has_an_end_and_does_without_sources() -> None:
    """Eighteen samples of more; a missing source is an empty text."""
    from dataclasses import replace

    fingerprint = Fingerprint.load(GOLDEN / "format-1.mprint")
    one = replace(fingerprint.samples[0], source=None)

    gallery = make_gallery(replace(fingerprint, samples=(one,) * 30))

    assert [sample.source for sample in gallery] == [""] * 18
