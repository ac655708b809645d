"""A run: it makes what is missing, survives what goes wrong, and says what it could not do."""

import errno
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelprint.bench.detection.observation import OBSERVATIONS, read_observations
from modelprint.bench.detection.outputs import OUTPUTS
from modelprint.bench.folder import RunFolder
from modelprint.bench.plan_file import parse_plan
from modelprint.bench.run import duration, run
from modelprint.engine import Serial
from modelprint.errors import BenchError
from modelprint.fingerprint.integrity import Fingerprint

NewCache = Callable[[str], Path]


def detection_record(folder: RunFolder) -> dict[str, Any]:
    """Return what a run says about detection."""
    record = folder.read_record()
    assert record is not None
    return record.studies["detection"]


def test_a_run_leaves_all_that_a_report_needs(whole: RunFolder, tiny_plan: str) -> None:
    """Observations in the plan's order, times, record, plan and sealed fingerprints."""
    found = read_observations(whole.file(OBSERVATIONS))
    record = whole.read_record()
    assert record is not None
    made = record.studies["detection"]["fingerprints"]

    kinds = ["prune-20"] * 3 + ["flip-sign"] * 6 + ["bit-flip"] * 3 + ["none"] * 3
    assert [one.kind for one in found] == kinds
    assert [one.fingerprint for one in found[:3]] == ["natural", "bisection", "floats"]
    assert {one.reference for one in found if one.kind == "bit-flip"} == {"int8-weights"}
    assert all(set(one.mismatched) == {"0"} for one in found if one.control)
    assert any("1" in one.mismatched for one in found if one.kind == "prune-20")
    assert all(sorted(one.orders["greedy"]) == list(range(one.samples)) for one in found)
    assert whole.plan.read_text() == tiny_plan
    assert list(made) == ["natural", "bisection", "floats"]
    assert (record.plan, record.scale, record.planned, record.problems) == ("tiny", "laptop", 15, ())
    assert record.target.accuracy is not None and record.target.accuracy > 0.9
    sealed = Fingerprint.load(whole.path / made["bisection"]["file"])
    assert len(sealed.samples) == made["bisection"]["samples"]
    assert made["floats"]["file"] == ""
    timed = [json.loads(line)["label"] for line in whole.timings.read_text().splitlines()]
    assert len(set(timed)) == len(timed)
    assert {"target digits", "zoo flip-sign, seed 1000", "fingerprint floats", "suspect flip-sign, seed 2"} <= set(
        timed
    )


def test_the_same_labels_on_the_target_itself(whole: RunFolder) -> None:
    """Labels of a float fingerprint and of a sealed one are those the target gives now."""
    found = {(one.kind, one.fingerprint): one for one in read_observations(whole.file(OBSERVATIONS))}

    assert found["none", "floats"].mismatched == "0" * found["none", "floats"].samples
    assert found["none", "natural"].form == "8-bit"
    assert found["none", "floats"].form == "float"


def test_every_form_of_answers_is_recorded(whole: RunFolder) -> None:
    """Each on its own; the more is told, the more is seen, and a classifier in which nothing changed shows nothing."""
    found = read_observations(whole.file(OBSERVATIONS))

    for one in found:
        assert {"top-1", *one.outputs} == set(OUTPUTS)
        label, value, both = (one.bits(name) or "" for name in ("top-1", "top-1-p-dec2", "label+p-dec2"))
        seen = ["1" if "1" in pair else "0" for pair in zip(label, value, strict=True)]
        assert "".join(seen) == both
        assert not one.control or "1" not in "".join(one.outputs.values())
    assert any(one.bits("p-dec-2") != one.bits() for one in found)


def test_random_subsets_are_recorded_and_drawn_again_when_the_plan_changes(
    whole: RunFolder, run_tiny: Any, tiny_plan: str
) -> None:
    """Observations stay as they are, whatever a plan wants to see of them."""
    before = whole.file(OBSERVATIONS).read_bytes()
    with_subsets = 'outputs = ["top-3"]\nns = [1, 3]\nrandom_subsets = { size = 4, draws = 5 }\n' + tiny_plan

    first = run_tiny(whole.path, text=with_subsets)
    drawn = detection_record(whole)
    again = run_tiny(whole.path, text=with_subsets)
    run_tiny(whole.path, text=with_subsets.replace("draws = 5", "draws = 6"))
    redrawn = detection_record(whole)

    assert (first.made, again.made) == (0, 0)
    assert (drawn["outputs"], drawn["ns"], drawn["random_subsets"]) == (["top-3"], [1, 3], {"size": 4, "draws": 5})
    subsets = [facts["random_subsets"] for facts in drawn["fingerprints"].values()]
    assert [len(orders) for orders in subsets] == [5, 5, 5]
    assert all(len(set(order.split())) == 4 for orders in subsets for order in orders)
    after = [facts["random_subsets"] for facts in redrawn["fingerprints"].values()]
    assert [orders[:5] for orders in after] == subsets
    assert [len(orders) for orders in after] == [6, 6, 6]
    assert whole.file(OBSERVATIONS).read_bytes() == before


def test_a_generator_is_trained_once_for_all_fingerprints(
    run_tiny: Any, tiny_plan: str, new_cache: NewCache, tmp_path: Path
) -> None:
    """It has a job of its own, before those that need it."""
    new_cache("generators")
    settings = 'generator = "conv-vae", generator_settings = ["epochs=1", "width=8"], naturalness = "none"'
    walks = [
        f'{{ name = "walk-{rate}", method = "public-check", count = 4, form = "float", '
        f"settings = {{ {settings}, rate = {rate} }} }},"
        for rate in (1.0, 2.0)
    ]
    text = tiny_plan[: tiny_plan.index("suspects")] + (
        'suspects = [{ row = "Pruning", kind = "prune-20" }]\nfingerprints = [' + "\n".join(walks) + "]\n"
    )

    summary = run_tiny(tmp_path / "run", text=text.replace('zoo = ["flip-sign*2"]', ""))

    lines = RunFolder(tmp_path / "run").timings.read_text().splitlines()
    labels = [json.loads(line)["label"] for line in lines]
    assert labels[:2] == ["target digits", "generator conv-vae, seed 0"]
    assert labels.count("generator conv-vae, seed 0") == 1
    assert (summary.made, summary.problems) == (2, ())


def test_a_second_run_has_nothing_to_do(whole: RunFolder, run_tiny: Any, new_cache: NewCache) -> None:
    """Even with an empty cache; the file stays as it is, byte by byte."""
    before = whole.file(OBSERVATIONS).read_bytes()
    new_cache("empty")

    summary = run_tiny(whole.path)

    assert (summary.planned, summary.found, summary.made, summary.missing) == (15, 15, 0, 0)
    assert whole.file(OBSERVATIONS).read_bytes() == before


def test_a_stopped_run_goes_on(
    stops: Any, whole: RunFolder, run_tiny: Any, new_cache: NewCache, tmp_path: Path
) -> None:
    """Whatever it was at, what it had stays, and the end is the same to the last byte."""
    new_cache("other")
    stopped = RunFolder(tmp_path / "stopped")
    for label in ("target", "zoo", "fingerprint floats", "suspect flip-sign, seed 2", "observations of bit-flip"):
        with pytest.raises(KeyboardInterrupt):
            run_tiny(stopped.path, stops(label))
    there = len(read_observations(stopped.file(OBSERVATIONS)))

    summary = run_tiny(stopped.path)

    assert there == 9
    assert (summary.found, summary.made) == (9, 6)
    assert stopped.file(OBSERVATIONS).read_bytes() == whole.file(OBSERVATIONS).read_bytes()


def test_fewer_models_first_and_the_others_later(whole: RunFolder, run_tiny: Any, tmp_path: Path) -> None:
    """The end is the same to the last byte."""
    grown = RunFolder(tmp_path / "grown")

    few, rest = run_tiny(grown.path, most_models=1), run_tiny(grown.path)

    assert (few.planned, few.made, rest.found, rest.made) == (12, 12, 12, 3)
    assert grown.file(OBSERVATIONS).read_bytes() == whole.file(OBSERVATIONS).read_bytes()


def test_damaged_lines_are_told_and_computed_anew(whole: RunFolder, run_tiny: Any) -> None:
    """A torn last line without a word, another one with its number; the others are kept."""
    before = whole.file(OBSERVATIONS).read_bytes()
    lines = before.splitlines(keepends=True)
    whole.file(OBSERVATIONS).write_bytes(b"".join([lines[0], b"{garbage}\n", *lines[2:-1], lines[-1][:50]]))

    summary = run_tiny(whole.path)

    assert (summary.found, summary.made) == (13, 2)
    assert len(summary.remarks) == 1 and "observations.jsonl, line 2: " in summary.remarks[0]
    assert whole.file(OBSERVATIONS).read_bytes() == before


def test_a_changed_plan_keeps_what_still_holds(whole: RunFolder, run_tiny: Any, tiny_plan: str) -> None:
    """Observations of what it no longer has are taken out, and told."""
    summary = run_tiny(whole.path, text=tiny_plan.replace("count = 6", "count = 5"))

    assert (summary.planned, summary.found, summary.made) == (15, 10, 5)
    assert summary.remarks[0].endswith("5 line(s) of an earlier plan or code were taken out")
    assert detection_record(whole)["fingerprints"]["natural"]["samples"] == 5


@pytest.mark.parametrize("part", ["sealed", "floats", "record"])
def test_a_damaged_fingerprint_is_made_again(
    part: str, whole: RunFolder, run_tiny: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its hash tells; the run says so, and its observations are the same."""
    ending = {"sealed": ".mprint", "floats": ".safetensors", "record": ".json"}[part]
    entry = next((tmp_path / "cache" / "bench" / "fingerprints").glob(f"*{ending}"))
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)

    summary = run_tiny(tmp_path / "again")

    assert len(summary.remarks) == 1 and "is damaged" in summary.remarks[0] and "is made again" in summary.remarks[0]
    assert (tmp_path / "again" / "observations.jsonl").read_bytes() == whole.file(OBSERVATIONS).read_bytes()
    assert logging.getLogger("modelprint").propagate


def test_a_job_that_fails_costs_its_own_observations(
    fails: Any, new_cache: NewCache, run_tiny: Any, tmp_path: Path, whole: RunFolder
) -> None:
    """The others are made, the problem is told and written down, and the next run makes up for it."""
    new_cache("other")
    died = {"problem": "its worker died 2 times"}

    first = run_tiny(tmp_path / "run", fails("suspect flip-sign, seed 1", **died))
    record = RunFolder(tmp_path / "run").read_record()
    second = run_tiny(tmp_path / "run", fails("fingerprint floats", **died))
    third = run_tiny(tmp_path / "run")

    assert (first.made, first.missing) == (12, 3)
    assert first.problems == ("suspect flip-sign, seed 1: its worker died 2 times",)
    assert record is not None and record.problems == first.problems
    assert (second.found, second.made, second.missing) == (12, 2, 1)
    assert (third.found, third.made, third.missing) == (14, 1, 0)
    assert (tmp_path / "run" / "observations.jsonl").read_bytes() == whole.file(OBSERVATIONS).read_bytes()


def test_a_failed_reference_is_told(fails: Any, new_cache: NewCache, run_tiny: Any, tmp_path: Path) -> None:
    """Suspects that are held against it have no observations."""
    new_cache("cache")

    summary = run_tiny(tmp_path / "run", fails("suspect int8-weights", problem="no"))

    assert (summary.made, summary.problems) == (12, ("suspect int8-weights, seed 0: no",))


def test_a_target_that_is_not_there_ends_the_run(
    new_cache: NewCache, run_tiny: Any, tmp_path: Path, tiny_plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says where it was looked for."""
    new_cache("cache")
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nowhere"))

    with pytest.raises(BenchError, match=r"target cifar10-resnet20: data set cifar10 not found"):
        run_tiny(tmp_path / "run", text=tiny_plan.replace('"digits"', '"cifar10-resnet20"'))


def test_a_full_disk_ends_the_run_and_loses_nothing(
    fails: Any, new_cache: NewCache, run_tiny: Any, tmp_path: Path, whole: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a job or when an observation is written, even when half a line still fitted."""
    new_cache("other")
    folder = tmp_path / "run"
    no_space = OSError(errno.ENOSPC, "No space left on device")

    def half(self: RunFolder, file: str, line: Any) -> None:
        with self.file(file).open("a") as opened:
            opened.write(line.to_line()[:100])
        raise no_space

    with pytest.raises(BenchError, match="No space left on device; what is done is kept: free some space"):
        run_tiny(folder, fails("suspect", problem="OSError: No space left on device", fatal=True))
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add", half)
        with pytest.raises(BenchError, match=r"No space left on device.*; what is done is kept"):
            run_tiny(folder)
    summary = run_tiny(folder)

    assert (summary.found, summary.made, summary.remarks) == (0, 15, ())
    assert (folder / "observations.jsonl").read_bytes() == whole.file(OBSERVATIONS).read_bytes()


def test_times_are_told_in_two_units() -> None:
    """Seconds matter only below an hour."""
    assert [duration(seconds) for seconds in (0.4, 75.0, 3725.0)] == ["0 s", "1 min 15 s", "1 h 2 min"]


def test_the_time_left_counts_what_is_new(
    new_cache: Callable[[str], Path], tiny_plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier call has timed costs nothing: after the one new fingerprint no time is left."""
    new_cache("cache")
    lines: list[str] = []
    more = tiny_plan.replace("fingerprints = [", 'fingerprints = [\n{ name = "new", method = "noise", count = 4 },', 1)
    clock = iter(range(0, 100_000, 60))

    def call(text: str) -> None:
        folder, here = RunFolder(tmp_path / "run"), Serial()
        run(parse_plan(text), "laptop", here, folder, text=text, command="modelprint bench run x", show=lines.append)

    call(tiny_plan)
    lines.clear()
    # Not `time.monotonic` itself: the event loop of a server in another fixture would sleep for hours.
    monkeypatch.setattr("modelprint.bench.run.time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    call(more)

    told = [line for line in lines if line.startswith("making fingerprints and suspects")]
    assert any("fingerprint new" in line and line.endswith("about 0 s left") for line in told)
