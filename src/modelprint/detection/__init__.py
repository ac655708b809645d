"""How often a fingerprint sees a tampering, measured on local suspects."""

from modelprint.detection.rates import bootstrap_interval, detection_rate
from modelprint.detection.suspects import QUERIES, Detection, MeanRate, detect, mean_rates, mismatches

__all__ = [
    "QUERIES",
    "Detection",
    "MeanRate",
    "bootstrap_interval",
    "detect",
    "detection_rate",
    "mean_rates",
    "mismatches",
]
