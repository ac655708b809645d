"""Serving profiles: the honest ways in which a classifier may be served, and how far they move its logits.

A sample is only evidence when no honest server gives it another label. So its owner's classifier is computed in every
way the profile allows; the floor is how far two logits drift apart between these ways, and a sample is steady when its
margin stays well above the floor in all of them. Nothing here is a constant: every classifier gets its own floor.

A way of serving is one function in `variants` and one line in `profiles`.
"""

from modelprint.calibration.forms import Forms, Variant
from modelprint.calibration.noise import Noise, join, measure, reference_labels
from modelprint.calibration.profiles import FLOAT32, FLOAT64, PRECISIONS, PROFILES, Profile, profile_named
from modelprint.calibration.quantising import RANGE_IMAGES, range_images, static_int8
from modelprint.calibration.quiet import quiet
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
    "float32",
    "float64",
    "join",
    "measure",
    "profile_named",
    "quiet",
    "range_images",
    "reference_labels",
    "static_int8",
]
