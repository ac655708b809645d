"""Every suspect of the ownership benchmark is a known tampering, and says what it is to the victim."""

from pathlib import Path

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.data.data_set import set_aside
from modelprint.ownership import OWNERSHIP_SUSPECTS, kinds_of
from modelprint.settings import build
from modelprint.tamperings import SUITE, Tampering, make_suspect
from modelprint.tamperings.homologous import Homologous

PAGE = (Path(__file__).parents[2] / "docs" / "suspects.md").read_text(encoding="utf-8")

NEVER_ASKED = [kind for kind in kinds_of("unrelated") if isinstance(SUITE[kind](), Homologous)]


@pytest.mark.parametrize("kind", OWNERSHIP_SUSPECTS)
def test_every_suspect_can_be_made_and_has_its_row(kind: str) -> None:
    """Commands and plans know it by this name, and the page says what it is to the victim."""
    assert isinstance(build(SUITE, kind), Tampering)
    assert f"| `{kind}` | {OWNERSHIP_SUSPECTS[kind]} |" in PAGE


def test_every_suspect_is_one_or_the_other() -> None:
    """Both kinds are there, and none is both."""
    copies, unrelated = kinds_of("copy"), kinds_of("unrelated")

    assert copies and unrelated
    assert set(copies) | set(unrelated) == set(OWNERSHIP_SUSPECTS)
    assert len(copies) + len(unrelated) == len(OWNERSHIP_SUSPECTS)


def test_all_that_extract_or_learn_alone_are_listed() -> None:
    """A new kind of either has to say what it is; but for one, all that extract do so from the victim."""
    assert {kind for kind in SUITE if kind.startswith(("extract-", "homologous-"))} <= set(OWNERSHIP_SUSPECTS)
    assert [kind for kind in kinds_of("unrelated") if kind.startswith("extract-")] == ["extract-other"]


@pytest.mark.parametrize("kind", NEVER_ASKED)
def test_homologous_kinds_never_ask_the_victim(
    kind: str, tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is made and measured, nothing runs the victim's network."""
    tampering, data = build(SUITE, kind, {"epochs": "1"}), set_aside(split, 0.5)
    expected = make_suspect(kind, tampering, tiny_model, data, seed=1).classifier.digest()
    broken = tiny_model.copy()
    for weight in broken.network.parameters():
        weight.data.fill_(float("nan"))

    assert make_suspect(kind, tampering, broken, data, seed=1).classifier.digest() == expected
