"""Ways to craft fingerprint samples. A method is one file and one entry in `METHODS`."""

from collections.abc import Callable

from modelprint.methods.bisection import Bisection
from modelprint.methods.distortion import Distortion
from modelprint.methods.ibsf import IBSF
from modelprint.methods.junction import Junction
from modelprint.methods.method import Card, Crafted, LabelsOnly, Method
from modelprint.methods.misentry import MiSentry
from modelprint.methods.natural import Natural
from modelprint.methods.noise import GaussianNoise
from modelprint.methods.public_check import PublicCheck
from modelprint.methods.rotation import Rotation
from modelprint.methods.ssf import SSF
from modelprint.methods.ssf_bo import SSFBO

METHODS: dict[str, Callable[..., Method]] = {
    method.name: method
    for method in (
        MiSentry,
        Bisection,
        SSF,
        Junction,
        IBSF,
        PublicCheck,
        SSFBO,
        Natural,
        GaussianNoise,
        Rotation,
        Distortion,
    )
}
"""By name, in the order in which they are listed."""

__all__ = ["METHODS", "Card", "Crafted", "LabelsOnly", "Method"]
