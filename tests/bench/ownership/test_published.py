"""Published numbers are found by the settings they belong to."""

from modelprint.bench.ownership.published import PublishedExamples, published_examples
from modelprint.ownership import VARIANTS, CExamples


def test_rows_of_the_paper_are_found_by_settings() -> None:
    """Those that it has."""
    assert published_examples(CExamples()) == PublishedExamples(68, (17, 5, -30))
    assert published_examples(VARIANTS["ltrc"]()) == PublishedExamples(51, (49, 48, 43))
    assert published_examples(VARIANTS["rc-gm"]()) is None
    assert published_examples(CExamples(noise=0.02)) is None
