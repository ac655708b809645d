"""Ordinary pictures are asked before *tampered*, so that changed pictures or labels are named instead of the model."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.variants import INVERTED, SWAPPED, TRANSPOSED
from modelprint.verification import Outcome, replay, verify
from modelprint.verification.controls import count_controls, count_most_questions
from modelprint.verification.ledger import Ledger
from modelprint.verification.transcript import Transcript
from modelprint.verification.verifier import count_control_questions

Serve = Callable[..., Any]

SWAP = {"prepare": lambda pixels: pixels[::-1]}


def other_label(index: int) -> int:
    """Return a label that is neither that of a sample nor that of its source."""
    return 4


@pytest.mark.parametrize(
    ("prepare", "name"),
    [
        (lambda pixels: pixels[::-1], SWAPPED),
        (lambda pixels: 255 - pixels, INVERTED),
        (lambda pixels: pixels.transpose(0, 2, 1), TRANSPOSED),
    ],
)
def test_a_change_of_the_pictures_is_found_and_named(
    sealed: Fingerprint, serve: Serve, prepare: Any, name: str, tmp_path: Path
) -> None:
    """The untouched model behind it is no verdict; a replay reaches the same."""
    transcript = Transcript(tmp_path / "t.jsonl")

    verdict = verify(serve(prepare=prepare), sealed, transcript=transcript)

    assert (verdict.outcome, verdict.exit_code) == (Outcome.INCONCLUSIVE, 3)
    assert verdict.controls is not None
    assert (verdict.controls.explained_by, verdict.controls.explained) == (name, (6 + 2, 6 + 2))
    assert (verdict.controls.asked, verdict.controls.usable, verdict.controls.right) == (8, 8, 0)
    assert "8 of 8 ordinary pictures get another label too" in verdict.reasons[1]
    assert f"explained by another way of sending pictures ({name}): 8 of 8" in verdict.reasons[2]
    assert replay(transcript.path, sealed) == verdict


def test_a_changed_model_behind_changed_pictures_is_no_verdict_yet(sealed: Fingerprint, serve: Serve) -> None:
    """The way is named by the controls alone; once it is corrected the model is tampered."""
    behind = verify(serve(other_label, **SWAP), sealed)

    assert behind.outcome is Outcome.INCONCLUSIVE
    assert behind.controls is not None
    assert (behind.controls.explained_by, behind.controls.explained) == (SWAPPED, (6, 7))
    assert verify(serve(other_label), sealed).outcome is Outcome.TAMPERED


def test_a_changed_model_is_still_tampered(sealed: Fingerprint, serve: Serve, tmp_path: Path) -> None:
    """Its controls are right; none of them is a sample, and the questions are counted apart."""
    transcript, served = Transcript(tmp_path / "t.jsonl"), serve(other_label)

    verdict = verify(served, sealed, transcript=transcript)

    assert (verdict.outcome, verdict.asked, verdict.exit_code) == (Outcome.TAMPERED, 2, 1)
    assert verdict.controls is not None
    assert (verdict.controls.right, verdict.controls.usable, verdict.controls.explained_by) == (8, 8, None)
    assert len(served.asked) == verdict.asked + verdict.controls.questions
    assert "controls     8 of 8 usable answers about ordinary pictures are right" in verdict.summary()
    assert replay(transcript.path, sealed) == verdict


def test_an_intact_model_is_asked_no_ordinary_picture(sealed: Fingerprint, serve: Serve) -> None:
    """The guarantee of intact and its price are what they were."""
    served = serve()

    verdict = verify(served, sealed)

    assert (verdict.outcome, verdict.controls, verdict.doubts) == (Outcome.INTACT, None, None)
    assert len(served.asked) == 17


def test_without_controls_nothing_more_is_asked(sealed: Fingerprint, serve: Serve) -> None:
    """`controls=False`, which is --no-controls: tampered at once, and the doubt is stated."""
    verdict = verify(serve(**SWAP), sealed, controls=False)

    assert (verdict.outcome, verdict.controls) == (Outcome.TAMPERED, None)
    assert "no ordinary pictures were asked" in " ".join(verdict.reasons)


def test_another_order_of_the_classes_is_named_with_the_line_that_corrects_it(
    sealed: Fingerprint, serve: Serve
) -> None:
    """In natural order c10 comes last, and c1 stays; that takes no question besides the controls."""
    natural = {0: 0, 1: 4, 2: 1, 3: 2, 4: 3}

    verdict = verify(serve(rename=natural.get), sealed)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.controls is not None
    assert (verdict.controls.explained_by, verdict.controls.questions) == ("natural order", 8)
    assert verdict.controls.label_map == 'labels: {"0": "c1", "1": "c2", "2": "c3", "3": "c4", "4": "c10"}'
    assert verdict.reasons[2].endswith(f"put this into the endpoint file: {verdict.controls.label_map}")


def test_a_permutation_without_a_fixed_class_names_the_order_too(sealed: Fingerprint, serve: Serve) -> None:
    """The samples alone show it, before any control is asked."""
    verdict = verify(serve(rename=lambda label: label + 1 if label < 4 else None), sealed)

    assert (verdict.outcome, verdict.controls) == (Outcome.INCONCLUSIVE, None)
    assert "the classes are counted from 1 there" in verdict.reasons[0]
    assert 'labels: {"1": "c1", "2": "c10"' in verdict.reasons[0]


def test_pictures_and_labels_that_nothing_known_explains_are_no_verdict(sealed: Fingerprint, serve: Serve) -> None:
    """Controls are wrong in every way; the questions are as many as announced at most."""
    served = serve(prepare=lambda pixels: pixels // 2)
    served.labels |= {
        (control.picture.pixels // 2).tobytes(): (control.label + index % 2 + 1) % 4
        for index, control in enumerate(sealed.controls)
    }

    verdict = verify(served, sealed)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.controls is not None
    assert verdict.controls.explained_by is None
    assert verdict.controls.questions == 8 + 3 * 3  # a way is given up when three of eight controls are wrong
    assert verdict.controls.questions <= count_control_questions(served, sealed) == 8 + 3 + 3 * (8 + 8)
    assert "no known preprocessing and no known order" in verdict.reasons[2]


def test_one_label_for_all_ordinary_pictures_is_pointed_out(sealed: Fingerprint, serve: Serve) -> None:
    """As when values are divided by 255 twice."""
    verdict = verify(serve(prepare=lambda pixels: pixels // 255), sealed)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reasons[2] == "all of them get label 4 (c4): they arrive on another scale, or are not read"


def test_few_wrong_controls_are_no_excuse(sealed: Fingerprint, serve: Serve) -> None:
    """Half of them is not more than half."""
    wrong = {control.picture.pixels.tobytes() for control in sealed.controls[:4]}
    served = serve(other_label)
    served.labels |= dict.fromkeys(wrong, 4)

    verdict = verify(served, sealed)

    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.controls is not None
    assert (verdict.controls.right, verdict.controls.usable) == (4, 8)


@pytest.mark.parametrize("usable", [0, 3])
def test_withholding_answers_about_controls_gains_nothing(sealed: Fingerprint, serve: Serve, usable: int) -> None:
    """Fewer than four usable answers, though all are wrong, leave the verdict as it was."""
    served = serve(other_label)
    for index, control in enumerate(sealed.controls):
        served.labels[control.picture.pixels.tobytes()] = 4 if index < usable else None

    verdict = verify(served, sealed)

    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.controls is not None
    assert (verdict.controls.usable, verdict.controls.asked) == (usable, usable + 4)


def test_lying_about_controls_makes_no_model_intact(sealed: Fingerprint, serve: Serve) -> None:
    """A provider that recognises them gets inconclusive, as it would by withholding every answer."""
    served = serve(other_label)
    served.labels |= dict.fromkeys((control.picture.pixels.tobytes() for control in sealed.controls), 4)

    assert verify(served, sealed).outcome is Outcome.INCONCLUSIVE


def test_a_slight_change_of_the_pictures_is_found_by_the_samples(sealed: Fingerprint, serve: Serve) -> None:
    """Controls may survive it; then every sample that was asked must be right in the way that explains it."""
    served = serve(**SWAP)
    for control in sealed.controls:
        served.labels[control.picture.pixels[::-1].tobytes()] = control.label

    few, enough = verify(served, sealed, queries=2), verify(served, sealed, min_answers=4)

    assert few.outcome is Outcome.TAMPERED  # two samples could be right by accident
    assert (enough.outcome, enough.asked) == (Outcome.INCONCLUSIVE, 4)
    assert enough.controls is not None
    assert (enough.controls.explained_by, enough.controls.explained) == (SWAPPED, (4 + 6, 4 + 6))
    assert (enough.controls.right, enough.controls.usable) == (8, 8)


def test_answers_that_vary_are_named(sealed: Fingerprint, serve: Serve) -> None:
    """Noise on the scores, or a tampered replica among others: the verdict stands, with the doubt."""
    served = serve(lambda index: 4)
    turns = iter([4] * 10 + [0, 1, 4])
    served.rename = lambda label: next(turns, 4) if label == 4 else label

    verdict = verify(served, sealed, queries=10, min_answers=10)

    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.controls is not None
    assert (verdict.controls.varied, verdict.controls.repeated) == (2, 3)
    assert any(
        reason.startswith("2 of 3 samples that were asked again got another label: the answers vary")
        for reason in verdict.reasons
    )


def test_an_interrupted_run_goes_on_with_the_controls_it_has_not_asked(
    sealed: Fingerprint, serve: Serve, tmp_path: Path
) -> None:
    """Until they are asked there is no verdict; nothing is asked twice."""
    transcript = Transcript(tmp_path / "t.jsonl")
    first, second = serve(other_label, stop=5), serve(other_label)

    with pytest.raises(KeyboardInterrupt):
        verify(first, sealed, transcript=transcript)
    cut = replay(transcript.path, sealed)
    verdict = verify(second, sealed, transcript=transcript)

    assert cut.outcome is Outcome.INCONCLUSIVE
    assert "were not all asked" in cut.reasons[1]
    assert verdict == verify(serve(other_label), sealed)
    controls = {control.picture.sha256 for control in sealed.controls}
    assert [one.sha256 for one in (*first.asked, *second.asked)].count(sealed.samples[0].picture.sha256) == 2
    assert sum(one.sha256 in controls for one in (*first.asked, *second.asked)) == 8


def test_controls_are_asked_once_whatever_the_order_in_the_transcript(
    sealed: Fingerprint, serve: Serve, tmp_path: Path
) -> None:
    """One that someone put in front is not asked again."""
    path = tmp_path / "t.jsonl"
    verify(serve(other_label), sealed, transcript=Transcript(path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], lines[7]]))
    served = serve(other_label)

    verdict = verify(served, sealed, transcript=Transcript(path))

    assert verdict.outcome is Outcome.TAMPERED
    assert sealed.controls[4].picture not in served.asked


def test_controls_that_were_right_are_not_asked_again_in_the_same_budget(
    sealed: Fingerprint, serve: Serve, tmp_path: Path
) -> None:
    """The ledger knows; a new budget asks them again."""
    path = tmp_path / "l.jsonl"

    first, second = (verify(serve(other_label), sealed, ledger=Ledger(path=path)) for _ in range(2))
    fresh = verify(serve(other_label), sealed, ledger=Ledger(path=path, fresh=True))

    assert [one.outcome for one in (first, second, fresh)] == [Outcome.TAMPERED] * 3
    assert [one.controls is None for one in (first, second, fresh)] == [False, True, False]


def test_controls_that_were_wrong_are_asked_again(sealed: Fingerprint, serve: Serve, tmp_path: Path) -> None:
    """Once the endpoint is described rightly, the same samples are intact."""
    path = tmp_path / "l.jsonl"

    wrong, again, mended = (verify(serve(**change), sealed, ledger=Ledger(path=path)) for change in (SWAP, SWAP, {}))

    assert [one.outcome for one in (wrong, again, mended)] == [
        Outcome.INCONCLUSIVE,
        Outcome.INCONCLUSIVE,
        Outcome.INTACT,
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"index": 8}, "about control 8 was not to be asked for"),
        ({"index": 1}, "about control 1 is about another picture"),
        ({"form": "upside down"}, r"about control 0 \(upside down\) was not to be asked for"),
        ({"subject": "sample", "index": 40}, "about sample 40 was not to be asked for"),
        ({"expected": 3}, "is about another picture or label than the fingerprint holds"),
        ({"answer": {"label": 5}}, "has label 5, which is no class"),
    ],
)
def test_a_transcript_with_impossible_controls_is_refused(
    sealed: Fingerprint, serve: Serve, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    """A replay checks them against the file like the answers about samples."""
    path = tmp_path / "t.jsonl"
    verify(serve(other_label), sealed, transcript=Transcript(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    place = next(number for number, line in enumerate(lines) if line["kind"] == "trial")
    lines[place] |= change
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    with pytest.raises(TranscriptError, match=said):
        replay(path, sealed)


def test_an_answer_about_a_control_counts_once(sealed: Fingerprint, serve: Serve, tmp_path: Path) -> None:
    """A line that is there twice is refused."""
    path = tmp_path / "t.jsonl"
    verify(serve(other_label), sealed, transcript=Transcript(path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:4], *lines[3:]]))

    with pytest.raises(TranscriptError, match="about control 0 was not to be asked for: it is there twice"):
        replay(path, sealed)


def test_a_transcript_of_the_second_rules_has_no_controls(sealed: Fingerprint, serve: Serve, tmp_path: Path) -> None:
    """It is replayed, and continued, as it was begun."""
    path = tmp_path / "t.jsonl"
    verify(serve(**SWAP), sealed, transcript=Transcript(path), controls=False)
    head, *rest = [json.loads(line) for line in path.read_text().splitlines()]
    old = {key: value for key, value in head.items() if key not in ("controls", "forms")} | {"rules": 2}
    path.write_text("".join(json.dumps(line) + "\n" for line in (old, *rest)))

    assert replay(path, sealed).outcome is Outcome.TAMPERED
    assert verify(serve(**SWAP), sealed, transcript=Transcript(path)).outcome is Outcome.TAMPERED


def test_a_file_needs_four_controls(sealed: Fingerprint) -> None:
    """Fewer cannot outvote an accident; of many, twelve are asked."""
    assert [count_controls(replace(sealed, controls=sealed.controls[:count])) for count in (0, 3, 4)] == [0, 0, 4]
    assert count_controls(replace(sealed, controls=sealed.controls * 2)) == 12
    assert (count_most_questions(8, 3), count_most_questions(0, 3)) == (59, 0)
