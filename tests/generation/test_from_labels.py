"""Fingerprints from labels alone: what is asked, what is kept, and what the file says about it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import UNKNOWN_MODEL
from modelprint.generation.from_labels import SealingReport, require_labels_only, seal_from_labels
from modelprint.generation.measures import FLIP_RATE, NOTHING, Measures
from modelprint.methods import METHODS, LabelsOnly
from modelprint.methods.bisection import Bisection
from modelprint.methods.method import Crafted
from modelprint.methods.natural import Natural
from modelprint.methods.public_check import PublicCheck
from modelprint.oracles.endpoint import open_oracle, parse_endpoint
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.pixels import Picture
from modelprint.tensors import to_images
from modelprint.verification import Outcome, verify
from modelprint.work import Work

CREATED = datetime(2026, 1, 31, 12, tzinfo=UTC)
WALK = PublicCheck(
    rate=0.3,
    steps=60,
    naturalness="none",
    generator_settings=("epochs=20", "batch=16", "width=8", "codes=16", "learning_rate=0.01", "revive=true"),
)


class Counted:
    """An oracle that counts its questions, and answers what `answer` says when it is given."""

    def __init__(self, model: Classifier, answer: object = None) -> None:
        self.inner = LocalOracle(model)
        self.asked: list[str] = []
        self.answer = answer

    def ask(self, picture: Picture) -> Answer:
        self.asked.append(picture.sha256)
        if callable(self.answer):
            found = self.answer(len(self.asked), self.inner.ask(picture))
            assert isinstance(found, Answer)
            return found
        return self.inner.ask(picture)

    def describe(self) -> dict[str, str]:
        return {"kind": "counted", "name": "counted"}


def sealed(
    oracle: Oracle, data: DataSet, method: LabelsOnly | None = None, **changes: object
) -> tuple[Fingerprint, SealingReport]:
    """Seal eight samples by bisection."""
    settings = {"count": 8, "seed": 1, "created": CREATED, "measures": NOTHING, **changes}
    return seal_from_labels(oracle, data, method or Bisection(), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [Bisection(), Natural(), WALK])
def test_the_labels_sealed_are_those_of_the_model(method: LabelsOnly, tiny_model: Classifier, split: DataSet) -> None:
    """Of what was crafted, as many as were asked for, each with its source; the file says what is not known."""
    fingerprint, report = sealed(LocalOracle(tiny_model), split, method, allow_fewer=True, count=6)

    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    assert [sample.label for sample in fingerprint.samples] == tiny_model.labels(to_images(pixels)).tolist()
    assert all(sample.source is not None for sample in fingerprint.samples)
    assert report.kept == len(fingerprint.samples) >= 1
    assert report.crafted == sum(
        (report.given_up, report.duplicates, report.lost_steadiness, report.spare, report.kept)
    )
    assert fingerprint.provenance.model_sha256 == UNKNOWN_MODEL
    assert {(sample.margin, sample.confidence) for sample in fingerprint.samples} == {(0.0, 0.0)}
    assert (fingerprint.profile.name, fingerprint.profile.variants) == ("exact", {})
    assert "tiny (known by its answers)" in fingerprint.summary()
    assert f"{report.questions} asked, 0 answered before" in report.summary()


def test_ordinary_images_are_asked_about_first(tiny_model: Classifier, split: DataSet) -> None:
    """They are test images, once each; those that get the label of the data are the controls, classes in turn."""
    oracle = Counted(tiny_model)
    ordinary = {Picture.of(one).sha256 for one in split.test.pixels}

    fingerprint, report = sealed(oracle, split, measures=Measures(controls=6))

    assert set(oracle.asked[:32]) == ordinary
    assert not ordinary & set(oracle.asked[32:])
    assert report.rates.agreement is not None and report.rates.agreement.asked == 32
    assert [control.label for control in fingerprint.controls] == [0, 1, 2, 3, 0, 1]
    assert {control.margin for control in fingerprint.controls} == {0.0}
    assert {control.picture.sha256 for control in fingerprint.controls} <= ordinary
    assert not fingerprint.sensitivity


def test_an_endpoint_with_its_classes_in_another_order_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Before anything is crafted; with --any-accuracy it is sealed as it is."""
    shuffled = Counted(tiny_model, lambda _, answer: Answer(label=((answer.label or 0) + 1) % 4))

    with pytest.raises(CraftingError, match="counted from 1"):
        sealed(shuffled, split, measures=Measures())
    assert len(shuffled.asked) == 32
    assert len(sealed(shuffled, split, measures=Measures(any_accuracy=True))[0].samples) == 8


def test_repeats_bound_the_honest_flip_rate_where_there_are_enough(tiny_model: Classifier, split: DataSet) -> None:
    """Eight samples asked 40 times give 320 answers; asked three times they give too few, and the rate is assumed."""
    many, _ = sealed(LocalOracle(tiny_model), split, measures=Measures(), repeats=40)
    few, report = sealed(LocalOracle(tiny_model), split, measures=Measures())

    assert many.honest_flips is not None
    assert (many.honest_flips.answers, many.honest_flips.flips) == (320, 0)
    assert many.profile.flip_rate == pytest.approx(1 - 0.05 ** (1 / 320))
    assert (few.honest_flips, few.profile.flip_rate) == (None, FLIP_RATE)
    assert "assumed, not measured" in report.summary()


def test_an_endpoint_that_flips_is_sealed_with_the_rate_that_was_seen(tiny_model: Classifier, split: DataSet) -> None:
    """One other label in 24 answers bounds the rate by 18 %, whatever is assumed elsewhere."""

    def unsteady(number: int, answer: Answer) -> Answer:
        return Answer(label=((answer.label or 0) + 1) % 4) if number == 40 else answer

    with_flips, _ = sealed(Counted(tiny_model, unsteady), split, Natural(), measures=Measures(), count=7, seed=3)

    assert with_flips.honest_flips is not None
    assert with_flips.honest_flips.flips == 1
    assert with_flips.profile.flip_rate > 1 / with_flips.honest_flips.answers


def test_a_served_classifier_is_sealed_and_verified_over_http(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """PublicCheck through a real server: the file is read again, the model verified as intact and a suspect caught."""
    from modelprint.demo.server import build_app, run_in_background

    suspect = tiny_model.copy()
    with torch.no_grad():
        suspect.head.bias += torch.tensor([3.0, 0.0, 0.0, 0.0])
    with run_in_background(build_app(tiny_model, name="tiny", class_names=split.class_names)) as url:
        described = {"kind": "open-inference", "url": url, "model": "tiny"}
        oracle = open_oracle(parse_endpoint({"endpoint": described}), split.class_names)
        fingerprint, report = sealed(oracle, split, WALK, allow_fewer=True, count=4)
        fingerprint.save(tmp_path / "a.mprint")
        loaded = Fingerprint.load(tmp_path / "a.mprint")
        intact = verify(oracle, loaded, p1=0.9, alpha=0.5)
    caught = verify(LocalOracle(suspect), loaded, p1=0.9)

    assert loaded.digest == fingerprint.digest
    assert loaded.provenance.network == url
    assert 0 < report.questions <= WALK.most_questions(report.crafted) + 3 * report.crafted
    assert intact.outcome is Outcome.INTACT
    assert caught.outcome is Outcome.TAMPERED


def test_equal_answers_give_equal_files(tiny_model: Classifier, split: DataSet) -> None:
    """To the last byte; another seed gives another one."""
    first, again, other = (sealed(LocalOracle(tiny_model), split, seed=seed)[0] for seed in (1, 1, 2))

    assert first.digest == again.digest != other.digest


def test_no_picture_is_asked_about_twice_while_crafting(tiny_model: Classifier, split: DataSet) -> None:
    """And each sample three times more at the end; what that came to is reported."""
    oracle = Counted(tiny_model)

    fingerprint, report = sealed(oracle, split)

    crafting, confirming = oracle.asked[: -3 * 8], oracle.asked[-3 * 8 :]
    assert report.rounds == 1
    assert len(crafting) == len(set(crafting))
    assert confirming == 3 * confirming[:8]
    assert {sample.picture.sha256 for sample in fingerprint.samples} == set(confirming)
    assert report.questions == len(oracle.asked)
    assert (
        fingerprint.provenance.notes["labels"]
        == f"as answered, 3 times alike; {len(oracle.asked)} questions asked in all"
    )


def test_an_interrupted_call_pays_for_no_answer_twice(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """After 50 questions the oracle is gone; the second call asks for the rest and seals the same samples."""

    def gone(number: int, answer: Answer) -> Answer:
        return answer if number <= 50 else Answer(problem="connection refused")

    whole, straight = sealed(Counted(tiny_model), split)
    work = Work(folder=tmp_path / "partial")
    with pytest.raises(
        OracleError, match="no label in 3 questions about one picture: connection refused; answers so far"
    ):
        sealed(Counted(tiny_model, gone), split, work=work)
    with (tmp_path / "partial" / "answers.jsonl").open("a") as file:
        file.write('{"kind": "ans')  # a line that was cut off

    again, report = sealed(Counted(tiny_model), split, work=work)

    assert [sample.picture.png for sample in again.samples] == [sample.picture.png for sample in whole.samples]
    assert report.recalled == 50
    assert report.questions == straight.questions - 50


def test_answers_of_another_oracle_are_refused(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """They may be another model's."""
    work = Work(folder=tmp_path)
    sealed(Counted(tiny_model), split, work=work)

    with pytest.raises(OracleError, match="belongs to another oracle"):
        sealed(LocalOracle(tiny_model), split, work=work)


def test_answers_of_an_older_version_are_asked_for_again(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says so."""
    (tmp_path / "answers.txt").write_text("{}\n0123 1\n")

    _, report = sealed(Counted(tiny_model), split, work=Work(folder=tmp_path))

    assert report.recalled == 0
    assert "answers.txt is from an older version and cannot be read" in caplog.text


def test_no_more_questions_are_asked_than_allowed(tiny_model: Classifier, split: DataSet) -> None:
    """The error says that they are used up."""
    oracle = Counted(tiny_model)

    with pytest.raises(OracleError, match=r"all 20 questions that were allowed are asked$"):
        sealed(oracle, split, questions=20)

    assert len(oracle.asked) == 20


def test_samples_that_are_not_answered_alike_are_lost(tiny_model: Classifier, split: DataSet) -> None:
    """One tie, or one other label in three, is enough."""
    numbers: dict[str, list[int]] = {"tie": [], "other": []}

    def unsteady(number: int, answer: Answer) -> Answer:
        # Natural images need no labels to be crafted: 8 samples, asked three times.
        if number == 3:
            numbers["tie"].append(number)
            return Answer(label=answer.label, tie=True)
        if number == 8 + 5:
            numbers["other"].append(number)
            return Answer(label=((answer.label or 0) + 1) % 4)
        return answer

    fingerprint, report = sealed(Counted(tiny_model, unsteady), split, Natural(), allow_fewer=True)

    assert numbers == {"tie": [3], "other": [13]}
    assert report.lost_steadiness == fingerprint.provenance.lost_steadiness == 2
    assert (report.rounds, report.kept) == (2, 8)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(Answer(label=4), "class 4 of 4"), (Answer(label=-1), "class -1 of 4"), (Answer(problem="no"), "one picture: no")],
)
def test_answers_without_a_class_end_the_work(
    answer: Answer, problem: str, tiny_model: Classifier, split: DataSet
) -> None:
    """After three questions about the same picture."""
    oracle = Counted(tiny_model, lambda *_: answer)

    with pytest.raises(OracleError, match=problem):
        sealed(oracle, split)

    assert len(oracle.asked) == 3


def test_too_few_samples_are_an_error_unless_allowed(tiny_model: Classifier, split: DataSet) -> None:
    """The message counts what became of them; with no sample at all there is nothing to allow."""

    class Fewer(Natural):
        def craft_from_labels(self, label: object, data: object, sources: np.ndarray, *_: object) -> Crafted:
            usable = torch.arange(len(sources)) < left
            return Crafted(images=to_images(sources), usable=usable)

    left = 1
    with pytest.raises(CraftingError, match=r"only 4 of 8 samples can be sealed: of \d+ crafted, \d+ were given up"):
        sealed(LocalOracle(tiny_model), split, Fewer())
    assert len(sealed(LocalOracle(tiny_model), split, Fewer(), allow_fewer=True)[0].samples) == 4
    left = 0
    with pytest.raises(CraftingError, match="only 0 of 8"):
        sealed(LocalOracle(tiny_model), split, Fewer(), allow_fewer=True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"count": 0}, "count is 1 to 10000"),
        ({"repeats": 0}, "repeats is how often"),
        ({"questions": 0}, "questions is how many"),
        ({"rounding": "search"}, "rounding by search needs gradients, but an endpoint gives labels and nothing else"),
        ({"measures": replace(NOTHING, expected_flip_rate=1.5)}, "expected_flip_rate lies between"),
        ({"created": datetime(2026, 1, 31)}, "no time zone"),
    ],
)
def test_arguments_that_no_file_can_hold_are_refused_before_the_first_question(
    wrong: dict[str, object], reason: str, tiny_model: Classifier, split: DataSet
) -> None:
    """Nothing is asked."""
    oracle = Counted(tiny_model)

    with pytest.raises(ValueError, match=reason):
        sealed(oracle, split, **wrong)

    assert oracle.asked == []


def test_methods_that_need_more_than_labels_are_refused() -> None:
    """The message says what the method needs and which ones would do."""
    with pytest.raises(ValueError, match=r"misentry needs .*gradients.*; methods that need no more are .*public-check"):
        require_labels_only(METHODS["misentry"]())

    assert isinstance(require_labels_only(Bisection()), Bisection)
