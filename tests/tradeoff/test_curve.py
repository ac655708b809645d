"""Points of covertness are named by percentiles."""

import pytest

from modelprint.tradeoff.curve import covert_names


def test_percentiles_become_settings() -> None:
    """As they are written; out of range, twice or nothing is refused."""
    assert covert_names("none, 1,2.50,p10") == ("none", "p1", "p2.5", "p10")
    for text in ("0", "50", "-3", "nan", "ten", "inf"):
        with pytest.raises(ValueError, match=f"above 0 and below 50, or none for no covertness, got '{text}'"):
            covert_names(text)
    for text in ("", "1,1", "1,1.0"):
        with pytest.raises(ValueError, match="different ones and at least one"):
            covert_names(text)
