"""Views are compared by cosines of their representations, worked out by hand with an encoder that copies its input."""

from collections.abc import Callable

import numpy as np
import pytest

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByViews
from modelprint.oracles.oracle import Answer
from modelprint.ownership.decision import Claim, Judge
from modelprint.ownership.view_check import check_views
from modelprint.pixels import Picture

Make = Callable[..., OwnershipFingerprint]


class Uniform:
    """Gives every class the same probability."""

    asked = 0

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        return Answer(label=0, tie=True, ranking=((0, 0.34), (1, 0.33), (2, 0.33)))

    def describe(self) -> dict[str, str]:
        return {"kind": "uniform"}


def test_the_check_holds_one_representation_for_each_view_asked(told_by_views: Make) -> None:
    """The suspect's and the victim's; the similarity is the mean of their cosines."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)
    oracle, told = Uniform(), []

    checked = check_views(oracle, file, file.evidence, Judge(), 2, progress=lambda *step: told.append(step))

    assert checked.represented is not None
    suspect, victim = checked.represented
    assert suspect.shape == victim.shape == (2, file.evidence.represented.shape[2])
    lengths = np.linalg.norm(suspect, axis=1) * np.linalg.norm(victim, axis=1)
    cosines = (suspect * victim).sum(axis=1) / np.maximum(lengths, 1e-12)
    assert checked.verdict.similarity == pytest.approx(cosines.mean(), abs=1e-5)
    assert checked.verdict.outcome in Claim
    assert (checked.oracle, checked.labels) == ({"kind": "uniform"}, None)
    assert told[-1] == ("asking", oracle.asked, oracle.asked)
