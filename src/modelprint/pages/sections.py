"""The page of a study: a title, tiles with the main numbers, sections with tables and figures, and samples."""

from dataclasses import dataclass

from modelprint.fingerprint import Fingerprint, Sample
from modelprint.pages.html import data_uri, render_page
from modelprint.pages.secret import SECRET

GALLERY = 18
"""Number of samples shown per fingerprint."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing and its description, which is also the text for screen readers.

    Attributes:
        svg: The drawing.
        caption: Description of its content.
    """

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class GallerySample:
    """One sample of the gallery.

    Attributes:
        picture: As a data URI.
        source: The natural image as a data URI; empty when the file does not contain it.
        label: Its label by the target.
        numbers: Its margin and confidence.
    """

    picture: str
    source: str
    label: str
    numbers: str


def render_sections(**values: object) -> str:
    """Return the self-contained page of a title, tiles, sections, figures and galleries; those are secret."""
    secret = SECRET if values.get("galleries") else ""
    return render_page("sections.html", package="modelprint.pages", secret=secret, **values)


def make_gallery(fingerprint: Fingerprint) -> list[GallerySample]:
    """Return the first samples of a fingerprint."""
    return [_make_sample(sample, fingerprint.class_names[sample.label]) for sample in fingerprint.samples[:GALLERY]]


def _make_sample(sample: Sample, label: str) -> GallerySample:
    return GallerySample(
        picture=data_uri(sample.picture),
        source="" if sample.source is None else data_uri(sample.source),
        label=label,
        numbers=f"p {sample.confidence:.2f}, margin {sample.margin:.2g}",
    )
