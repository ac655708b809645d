"""Ways to craft fingerprint samples. A method is one file and one line in `METHODS`."""

from collections.abc import Callable

from modelprint.methods.bisection import Bisection
from modelprint.methods.method import Card, Crafted, Method, Work
from modelprint.methods.misentry import MiSentry
from modelprint.methods.natural import Natural

METHODS: dict[str, Callable[..., Method]] = {
    "misentry": MiSentry,
    "bisection": Bisection,
    "natural": Natural,
}

__all__ = ["METHODS", "Card", "Crafted", "Method", "Work"]
