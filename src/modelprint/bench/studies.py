"""Every study of the benchmark."""

from modelprint.bench.detection.study import DetectionStudy
from modelprint.bench.ownership.study import OwnershipStudy
from modelprint.bench.study import Study

STUDIES: dict[str, Study] = {
    "detection": DetectionStudy(),
    "ownership": OwnershipStudy(),
}
"""In the order in which a run does them."""
