"""Ray is started only where there is something to do, and says which extra brings it."""

import sys

import pytest

from modelprint.engine.ray import Ray


def test_no_workers_are_refused() -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="workers is at least 1, got 0"):
        Ray(workers=0)


def test_without_ray_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line turns this into the name of the extra."""
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ImportError, match="ray"):
        Ray(workers=1)
