"""A suspect is judged by what it answers, and by nothing that is missing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from modelprint.classifier import Classifier
from modelprint.errors import OracleError
from modelprint.fingerprint.ownership_parts import ByViews
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer
from modelprint.ownership import Claim, Judge, OwnershipFingerprint, check
from modelprint.pixels import Picture

Make = Callable[..., OwnershipFingerprint]


@dataclass
class Scripted:
    """An oracle that answers as it is told, picture by picture."""

    answers: list[Answer]
    asked: list[str] = field(default_factory=list)
    name: str = "scripted"

    def ask(self, picture: Picture) -> Answer:
        self.asked.append(picture.sha256)
        return self.answers[len(self.asked) - 1]

    def describe(self) -> dict[str, str]:
        return {"kind": "scripted", "name": self.name}


def labels(*values: int) -> list[Answer]:
    """Return one answer for each label."""
    return [Answer(label=value, named=value) for value in values]


def as_the_victim(file: OwnershipFingerprint) -> "Echo":
    """Return an oracle that answers what the victim did."""
    assert isinstance(file.evidence, ByViews)
    return Echo(file.evidence)


class Echo:
    """Answers with the victim's probabilities in a file, or with others."""

    def __init__(self, evidence: ByViews, change: Callable[[np.ndarray], np.ndarray] = lambda row: row) -> None:
        views, points = evidence.index.shape
        table = evidence.victim.reshape(views, points, 2, 3)
        self.rows: dict[bytes, np.ndarray] = {}
        self.asked = 0
        moved = np.clip(evidence.pixels.astype(np.int16) + evidence.levels, 0, 255).astype(np.uint8)
        for view in range(views):
            for point in range(points):
                place = evidence.index[view, point]
                for side, pixels in enumerate((evidence.pixels, moved)):
                    self.rows.setdefault(pixels[place].tobytes(), change(table[view, point, side]))

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        row = self.rows[picture.pixels.tobytes()]
        order = np.argsort(-row)
        ranking = tuple((int(index), float(row[index])) for index in order)
        return Answer(label=int(order[0]), named=int(order[0]), ranking=ranking)

    def describe(self) -> dict[str, str]:
        return {"kind": "echo"}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((0, 1, 2, 0), Claim.COPY),
        ((0, 1, 2, 1), Claim.COPY),
        ((1, 2, 0, 1), Claim.UNRELATED),
        ((0, 1, 0, 1), Claim.INCONCLUSIVE),
    ],
)
def test_a_suspect_is_judged_by_its_rank(told_by_labels: Make, answers: tuple[int, ...], outcome: Claim) -> None:
    """Unrelated references match 0 or 1 label, copies 3 or 4; two are more than the ones and fewer than the others."""
    finding = check(Scripted(labels(*answers)), told_by_labels())

    verdict = finding.verdict
    assert verdict.outcome is outcome
    assert finding.labels == answers
    assert (verdict.views, verdict.unit, len(verdict.others), len(verdict.copies)) == (4, "examples", 19, 9)
    assert verdict.similarity == sum(a == b for a, b in zip(answers, (0, 1, 2, 0), strict=True)) / 4
    assert verdict.exit_code == {Claim.UNRELATED: 0, Claim.COPY: 1, Claim.INCONCLUSIVE: 3}[outcome]


def test_without_copies_nobody_is_acquitted(told_by_labels: Make) -> None:
    """It is inconclusive then, and says why."""
    verdict = check(Scripted(labels(1, 2, 0, 1)), told_by_labels(19, 0)).verdict

    assert verdict.outcome is Claim.INCONCLUSIVE
    assert "without reference copies" in verdict.reasons[0]


def test_a_tie_that_decides_is_inconclusive(told_by_labels: Make) -> None:
    """One that does not is none of our business."""
    tied = replace(labels(0)[0], tie=True)

    decides = check(Scripted([*labels(0, 1), tied, tied]), told_by_labels()).verdict
    assert decides.outcome is Claim.INCONCLUSIVE
    assert "2 answers are ties" in decides.reasons[0]
    assert check(Scripted([*labels(0, 1, 2), tied]), told_by_labels()).verdict.outcome is Claim.COPY


def test_the_victim_is_its_own_copy(told_by_views: Make) -> None:
    """By views, with all of them and with one; fewer views are fewer questions."""
    file = told_by_views()
    one, all_of_them = as_the_victim(file), as_the_victim(file)

    few, full = check(one, file, views=1), check(all_of_them, file)

    for finding in (few, full):
        assert finding.verdict.outcome is Claim.COPY
        assert finding.verdict.similarity == pytest.approx(1, abs=1e-5)
        assert finding.verdict.p_value == pytest.approx(1 / 20)
    assert (one.asked, all_of_them.asked) == (4, 8)
    assert (few.verdict.views, full.verdict.views) == (1, 3)


def test_a_stranger_is_acquitted(told_by_views: Make) -> None:
    """References of either side decide, here with an encoder that reads one class alone."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)
    weights = dict(file.evidence.weights)
    weights["hidden_weight"] = np.zeros((5, 12), dtype="<f4")
    weights["hidden_weight"][0, ::3], weights["hidden_weight"][1, 1::3] = 1, 1
    weights["features_weight"] = np.eye(4, 5, dtype="<f4")
    plain = replace(file.evidence, weights=weights)
    near = np.maximum(plain.victim @ weights["hidden_weight"].T @ weights["features_weight"].T, 0)
    away = np.array([[0, 1, 0, 0]] * 3, dtype="<f4") + np.array([[0.1, 0, 0, 0]] * 3, dtype="<f4")
    rows = np.stack([near if one.relation == "copy" else away for one in file.references]).astype("<f4")
    file = replace(file, evidence=replace(plain, represented=rows))

    found = check(Echo(file.evidence, lambda row: np.array([0.0, 1.0, 0.0])), file)

    assert found.verdict.outcome is Claim.UNRELATED


def test_too_few_references_are_refused_before_anything_is_asked(told_by_labels: Make) -> None:
    """For the asked rates; the message says how many it takes."""
    oracle = Scripted(labels(0, 1, 2, 0))

    with pytest.raises(ValueError, match=r"alpha 0.01 needs at least 99 unrelated models .* got 19"):
        check(oracle, told_by_labels(), judge=Judge(alpha=0.01))
    with pytest.raises(ValueError, match=r"beta 0.05 needs at least 19 copies .* got 9"):
        check(oracle, told_by_labels(), judge=Judge(beta=0.05))
    assert oracle.asked == []


def test_a_missing_answer_is_no_verdict_and_costs_nothing_again(told_by_labels: Make, tmp_path: Path) -> None:
    """What was answered is kept, and the next call goes on behind it."""
    file, log = told_by_labels(), tmp_path / "new" / "answers.jsonl"
    gone = Scripted([*labels(0, 1), Answer(problem="the server answered 503")])
    goes_on = Scripted(labels(2, 0))

    with pytest.raises(OracleError, match=r"example 3 of 4: no usable answer \(the server answered 503\)"):
        check(gone, file, log=log)
    found = check(goes_on, file, log=log)

    assert found.labels == (0, 1, 2, 0)
    assert goes_on.asked == [picture.sha256 for picture in file.evidence.pictures[2:]]  # type: ignore[union-attr]


def test_answers_of_another_suspect_or_fingerprint_are_refused(told_by_labels: Make, tmp_path: Path) -> None:
    """The same log, another oracle or another file: nothing is asked, and the message says what differs."""
    log, other = tmp_path / "answers.jsonl", Scripted(labels(1, 1, 1, 1), name="other")
    same = Scripted(labels(1, 1, 1, 1))
    check(Scripted(labels(0, 1, 2, 0)), told_by_labels(), log=log)

    with pytest.raises(OracleError, match="belongs to another oracle or another check: its oracle is"):
        check(other, told_by_labels(), log=log)
    with pytest.raises(OracleError, match="belongs to another oracle or another check: its subject is"):
        check(same, told_by_labels(20), log=log)
    assert other.asked == same.asked == []


def test_scores_are_kept_as_they_were_answered(told_by_views: Make, tmp_path: Path) -> None:
    """A second check asks nothing, gets the same verdict, and may read the scores another way."""
    file, log = told_by_views(), tmp_path / "answers.jsonl"
    first, second = as_the_victim(file), as_the_victim(file)

    verdict = check(first, file, log=log).verdict

    assert check(second, file, log=log).verdict == verdict
    assert check(second, file, log=log, scores="logits").verdict.similarity < verdict.similarity
    assert (first.asked, second.asked) == (8, 0)


def test_a_class_that_is_not_ours_is_refused(told_by_labels: Make) -> None:
    """Of a suspect that knows more of them."""
    with pytest.raises(OracleError, match=r"example 1 of 4: no usable answer \(class 7 of 3\)"):
        check(Scripted(labels(7)), told_by_labels())


def test_labels_alone_do_not_answer_views(told_by_views: Make) -> None:
    """The message names the method that needs no more."""
    with pytest.raises(OracleError, match="needs the probability of every class"):
        check(Scripted(labels(0)), told_by_views())


def test_a_suspect_that_decided_about_the_file_is_refused(told_by_views: Make, tiny_model: Classifier) -> None:
    """A reference, or a model that the encoder learnt from."""
    file = told_by_views()
    assert isinstance(file.evidence, ByViews)
    own = tiny_model.digest()
    known = (replace(file.references[0], model_sha256=own), *file.references[1:])
    seen = replace(file.evidence, seen=(*file.evidence.seen, own))

    with pytest.raises(ValueError, match=r"a reference model of the fingerprint \(retrain-all-short, seed 0\)"):
        check(LocalOracle(tiny_model), replace(file, references=known))
    with pytest.raises(ValueError, match="trained on the suspect"):
        check(LocalOracle(tiny_model), replace(file, evidence=seen))


def test_a_classifier_of_other_images_or_classes_is_refused(
    told_by_labels: Make, told_by_views: Make, tiny_model: Classifier
) -> None:
    """In either method."""
    with pytest.raises(ValueError, match=r"knows 4 classes; these pictures have shape .* and are for 3"):
        check(LocalOracle(tiny_model), told_by_labels())
    with pytest.raises(ValueError, match=r"takes images of shape \(1, 8, 8\)"):
        check(LocalOracle(tiny_model), told_by_views())


def test_a_number_of_views_has_to_fit(told_by_labels: Make, told_by_views: Make) -> None:
    """As many as there are, and none for labels."""
    with pytest.raises(ValueError, match="views is 1 to 3, what the fingerprint has, got 4"):
        check(Scripted([]), told_by_views(), views=4)
    with pytest.raises(ValueError, match="compares labels and has no views"):
        check(Scripted([]), told_by_labels(), views=1)
