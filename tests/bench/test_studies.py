"""Every study implements the interface that runs, status and reports know."""

import pytest

from modelprint.bench.plan import PlanPart, ScalePart
from modelprint.bench.studies import STUDIES
from modelprint.bench.study import Study


def test_there_are_studies() -> None:
    """So that the tests below test something."""
    assert list(STUDIES) == ["detection", "ownership"]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_all_parts(name: str) -> None:
    """A file of its own, parts of plans and scales, and a reader that refuses what is no line."""
    study = STUDIES[name]

    assert isinstance(study, Study)
    assert [other.file for other in STUDIES.values()].count(study.file) == 1
    assert issubclass(study.plan_part, PlanPart)
    assert issubclass(study.scale_part, ScalePart)
    with pytest.raises(ValueError):
        study.read_line("{}")
