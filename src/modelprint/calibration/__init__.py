"""Serving profiles: the honest ways in which a classifier may be served, and how far they move its logits.

A sample is evidence only if no honest server gives it another label. So the owner's classifier is computed in every way
that the profile allows. The floor is how far the gap between two logits differs between these ways, and a sample is
steady when its margin is well above the floor in all of them. Every classifier has its own floor.

A way of serving is one function in `variants` and one line in `profiles`.
"""

from modelprint.calibration.forms import Forms, Variant
from modelprint.calibration.noise import Noise, join, measure, measure_images, reference_labels
from modelprint.calibration.profiles import FLOAT32, FLOAT64, PRECISIONS, PROFILES, Profile, find_profile
from modelprint.calibration.quantising import RANGE_IMAGES, pick_range_images, static_int8
from modelprint.calibration.silence import suppress_warnings
from modelprint.calibration.variants.fp32 import float32, float64

__all__ = [
    "FLOAT32",
    "FLOAT64",
    "PRECISIONS",
    "PROFILES",
    "RANGE_IMAGES",
    "Forms",
    "Noise",
    "Profile",
    "Variant",
    "find_profile",
    "float32",
    "float64",
    "join",
    "measure",
    "measure_images",
    "pick_range_images",
    "reference_labels",
    "static_int8",
    "suppress_warnings",
]
