"""A suspect is made once, by one process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelprint.bench.locks import lock_entry
from modelprint.bench.suspects import Origin, load_target, prepare_suspect, usual_suspect
from modelprint.engine import Busy, Job, Serial, work_through
from modelprint.tamperings.store import suspect_path

NewCache = Callable[[str], Path]


def test_work_in_hand_elsewhere_is_waited_for(new_cache: NewCache, tmp_path: Path) -> None:
    """A suspect that another process is making is busy until that is done."""
    new_cache("cache")
    model, data = load_target("digits")
    suspect = usual_suspect(Origin(target="digits", model=model.digest(), data=data.digest), "prune-20", 0)
    path = suspect_path("prune-20", suspect.tampering, model, data, 0)
    job = Job(key="a", label="a", function=prepare_suspect, arguments=(suspect,))

    with lock_entry(path.stem):
        first = next(iter(Serial().run([job])))
    second = next(work_through(Serial(), [job]))

    assert first.busy and not second.busy
    assert second.value is not None and second.value.seconds is not None
    with pytest.raises(Busy), lock_entry("a"), lock_entry("a"):
        pass
