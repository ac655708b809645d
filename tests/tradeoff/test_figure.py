"""The figure needs matplotlib and says so."""

import sys

import pytest

from modelprint.errors import BenchError


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    from modelprint.pages.figures import load_matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(BenchError, match="install the extra bench as modelprint was installed"):
        load_matplotlib()
