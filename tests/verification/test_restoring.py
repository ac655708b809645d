"""A transcript is counted again as it was, or refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelprint.errors import TranscriptError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.verification import verify
from modelprint.verification.restoring import restore
from modelprint.verification.transcript import Recording, Transcript, read_transcript


@pytest.fixture
def record(sealed: Fingerprint, serve: Callable[..., Any], tmp_path: Path) -> Recording:
    """What was written about a changed model, controls included."""
    transcript = Transcript(tmp_path / "t.jsonl")
    verify(serve(lambda index: 4), sealed, transcript=transcript)
    return read_transcript(transcript.path)


def test_answers_and_trials_are_counted_again(sealed: Fingerprint, record: Recording) -> None:
    """Two samples differ; eight controls are right."""
    tally, trials = restore(record, sealed, "t.jsonl")

    assert (tally.matched, tally.mismatched) == (0, 2)
    assert trials.agree
    assert trials.find_question(list(tally.observations.values())) is None


@pytest.mark.parametrize("controls", [-1, 9])
def test_a_number_of_controls_that_the_file_does_not_have_is_refused(
    sealed: Fingerprint, record: Recording, controls: int
) -> None:
    """The header comes from the file too."""
    changed = replace(record, header=record.header.model_copy(update={"controls": controls}))

    with pytest.raises(TranscriptError, match=r"t.jsonl: its number of ordinary pictures does not go with"):
        restore(changed, sealed, "t.jsonl")
