"""Scores count what reached its goal, keep unlike suspects apart, and stand beside the paper's numbers."""

from dataclasses import replace
from typing import Any

import pytest

from modelprint.bench.detection.observation import Observation
from modelprint.bench.detection.published import published_table
from modelprint.bench.detection.score import score
from modelprint.bench.detection.table import Cell, Line, Table
from modelprint.errors import BenchError


def observed(mismatched: str, kind: str = "unlearning", seed: int = 1, **others: Any) -> Observation:
    """Return an observation in which only what a test is about is special."""
    plain: dict[str, Any] = {
        "plan": "table1-cifar10",
        "scale": "smoke",
        "target": "cifar10-resnet20",
        "row": "Unlearning",
        "settings": {},
        "batch_norm": "",
        "control": False,
        "goal": "",
        "goal_value": None,
        "goal_reached": True,
        "steps": 10,
        "notes": "",
        "movement": {"logit_rms": 0.1},
        "fingerprint": "misentry",
        "method": "misentry",
        "form": "8-bit",
        "samples": len(mismatched),
        "orders": {},
    }
    filled = plain | others
    key = "/".join(map(str, (kind, seed, filled["row"], filled["fingerprint"], filled.get("reference", ""))))
    return Observation(key=key, kind=kind, seed=seed, mismatched=mismatched, **filled)


def only(table: Table, n: int, selection: str = "random") -> Cell:
    """Return the cell of a table with one line and one fingerprint."""
    found = table.cell(table.lines[0], table.fingerprints[0], n, selection)
    assert found is not None
    return found


def test_a_rate_is_the_mean_over_the_models() -> None:
    """0.5 and 0.2 with one sample; the interval is around the mean."""
    table = score([observed("1" * 5 + "0" * 5), observed("11" + "0" * 8, seed=2)], ns=(1, 2))

    cell = only(table, 1)
    assert (cell.rate, cell.models, cell.goal_missed) == (pytest.approx(0.35), 2, 0)
    assert cell.low is not None
    assert cell.high is not None
    assert cell.low < 0.35 < cell.high
    assert only(table, 2).rate == pytest.approx((1 - 20 / 90 + 1 - 56 / 90) / 2)


def test_a_missed_goal_is_counted_and_left_out() -> None:
    """The rate is that of the others."""
    table = score([observed("1100"), observed("1111", seed=2, goal_reached=False)])

    assert (only(table, 1).rate, only(table, 1).models, only(table, 1).goal_missed) == (0.5, 1, 1)


def test_when_all_goals_are_missed_there_is_no_rate() -> None:
    """No rate, no interval, no ceiling; but the suspects are counted."""
    cell = only(score([observed("11", goal_reached=False)]), 1)

    assert (cell.rate, cell.low, cell.high, cell.ceiling, cell.models, cell.goal_missed) == (None,) * 4 + (0, 1)


def test_with_fewer_samples_than_asked_there_is_no_rate() -> None:
    """Four samples answer N = 1 but not N = 5."""
    table = score([observed("1100")])

    assert only(table, 1).rate == 0.5
    assert only(table, 5).rate is None


def test_unlike_suspects_of_one_row_have_lines_of_their_own() -> None:
    """Another kind, batch-norm mode or reference is never averaged in."""
    table = score(
        [
            observed("1"),
            observed("0", kind="unlearning-strict"),
            observed("0", batch_norm="frozen"),
            observed("0", reference="int8-weights"),
        ]
    )

    assert [(line.kind, line.batch_norm, line.reference) for line in table.lines] == [
        ("unlearning", "", ""),
        ("unlearning", "", "int8-weights"),
        ("unlearning", "frozen", ""),
        ("unlearning-strict", "", ""),
    ]
    assert only(table, 1).rate == 1.0


def test_settings_tell_suspects_of_one_kind_apart() -> None:
    """Those in which they differ, and only where they do."""
    found = [observed("1", settings={"share": share, "steps": 3}) for share in (0.2, 0.7)]
    found = [replace(one, key=str(place)) for place, one in enumerate(found)]

    table = score([*found, observed("0", kind="prune", settings={"share": 0.2})])

    assert [line.made_by for line in table.lines] == ["prune", "unlearning (share 0.2)", "unlearning (share 0.7)"]


def test_settings_are_in_the_order_of_their_numbers() -> None:
    """0.00001 is written 1e-05, and stands first all the same; networks keep the order of their names."""
    shares = [observed("1", settings={"share": share}) for share in (0.2, 1e-05, 0.001, 10.0)]
    networks = [observed("1", kind="architecture", settings={"network": name}) for name in ("resnet44", "resnet32")]

    lines = score([*shares, *networks]).lines

    assert [line.settings for line in lines if line.kind != "architecture"] == [
        *("share 1e-05", "share 0.001", "share 0.2", "share 10.0")
    ]
    assert [line.settings for line in lines if line.kind == "architecture"] == ["network resnet32", "network resnet44"]


def test_rows_come_in_the_order_of_the_paper_or_of_the_plan() -> None:
    """Unknown ones after them, whatever order the executor finished in."""
    rows = ["Zebra", "Bit flip", "Ape", "Unlearning", "Pruning"]

    table = score([observed("1", row=row) for row in rows], published=published_table("table1-cifar10"))

    assert [line.row for line in table.lines] == ["Unlearning", "Pruning", "Bit flip", "Ape", "Zebra"]
    planned = score([observed("1", row=row) for row in rows], rows=("Zebra", "Ape"), published=published_table("gtsrb"))
    assert [line.row for line in planned.lines] == ["Zebra", "Ape", "Bit flip", "Pruning", "Unlearning"]


def test_the_order_of_observations_does_not_matter() -> None:
    """Serial runs and distributed ones give the same table, to the last bit."""
    found = [observed("1" * k + "0" * (20 - k), seed=k) for k in range(1, 8)]

    assert score(found) == score(found[::-1])


def test_the_first_samples_of_each_order_are_asked() -> None:
    """The order of one model is not that of another, if the plan says so."""
    orders = {"greedy": [2, 0, 1], "manc": [1, 0, 2]}
    table = score([observed("001", orders=orders), observed("100", seed=2, orders=orders)], ns=(1, 2))

    assert table.selections == ("random", "greedy", "manc")
    assert [only(table, n, "greedy").rate for n in (1, 2)] == [0.5, 1.0]
    assert [only(table, n, "manc").rate for n in (1, 2)] == [0.0, 0.5]
    assert only(table, 1, "greedy").ceiling is None


def test_a_short_order_answers_short_prefixes_only() -> None:
    """Cover stops being told apart after some samples."""
    table = score([observed("0101", orders={"manc": [3, 2]})], ns=(1, 2, 3))

    assert [only(table, n, "manc").rate for n in (1, 2, 3)] == [1.0, 1.0, None]


@pytest.mark.parametrize("order", [[0, 0], [4], [-1]])
def test_an_order_of_other_samples_is_refused(order: list[int]) -> None:
    """Twice the same sample, or one that is not there."""
    with pytest.raises(BenchError, match="the order 'manc' is none of 4 samples"):
        score([observed("0101", orders={"manc": order})])


def test_fingerprints_of_two_sizes_are_not_mixed() -> None:
    """They carry one name but are two."""
    with pytest.raises(BenchError, match="observations of 2 and 3 samples are mixed"):
        score([observed("01"), observed("011", seed=2)])


def test_our_rate_stands_beside_the_papers() -> None:
    """Unlearning, MiSentry, N = 1: 68.4; a difference above 15 points is far."""
    near = score([observed("1" * 54 + "0" * 46)], published=published_table("cifar10"))
    far = score([observed("1" * 53 + "0" * 47)], published=published_table("cifar10"))

    assert only(near, 1).published == pytest.approx(0.684)
    assert only(near, 1).difference == pytest.approx(-0.144)
    assert not only(near, 1).far
    assert only(far, 1).far
    assert only(far, 10).published is None
    assert not only(far, 10).far


def test_a_method_or_row_that_the_paper_does_not_have_stands_alone() -> None:
    """Natural images, our own tamperings."""
    table = score(
        [observed("1", method="natural", fingerprint="natural"), observed("1", row="Sign flip")],
        published=published_table("cifar10"),
    )

    assert [cell.published for cell in table.cells if cell.n == 1] == [None, None]


def test_each_form_of_answers_has_cells_of_its_own() -> None:
    """Two of four samples change their label, three their ranking; the paper's rates are about labels."""
    found = observed("1100", outputs={"top-3": "1110"}, orders={"manc": [3, 2]})

    table = score([found], ns=(1, 2), outputs=("top-1", "top-3", "p-dec-2"), published=published_table("cifar10"))

    line, name = table.lines[0], table.fingerprints[0]
    assert [only(table, n).rate for n in (1, 2)] == [0.5, pytest.approx(5 / 6)]
    assert [cell.rate for cell in table.by_output] == [0.75, 1.0, 0.0, 1.0]
    assert {(cell.output, cell.published) for cell in table.by_output} == {("top-3", None)}
    second = table.cell(line, name, 2, "manc", "top-3")
    assert second is not None and second.rate == 1.0
    assert table.cell(line, name, 1, output="p-dec-2") is None
    assert all(cell.output == "top-1" for cell in table.cells)


def test_lines_of_old_runs_have_no_cells_of_other_forms() -> None:
    """Nor have those in which one suspect was not asked in this form."""
    new, old = observed("1100", outputs={"top-3": "1110"}), observed("1100", seed=2)

    assert score([old], outputs=("top-3",)).by_output == ()
    assert score([new, old], outputs=("top-3",)).by_output == ()


def test_every_random_subset_is_asked_in_its_own_order() -> None:
    """Of three subsets one sees the first suspect with one sample, two with two; the second suspect is seen by none."""
    found = [observed("1000"), observed("0000", seed=2)]
    subsets = {"misentry": ("0 1", "2 0", "3 2")}

    table = score(found, ns=(1, 2, 3), subsets=subsets)

    assert table.selections == ("random", "manc-bags")
    assert [only(table, n, "manc-bags").rate for n in (1, 2, 3)] == [pytest.approx(1 / 6), pytest.approx(1 / 3), None]
    cell = only(table, 2, "manc-bags")
    assert cell.low is not None and cell.high is not None
    assert (cell.low, cell.ceiling) == (0.0, None)
    assert cell.high > 1 / 3
    with pytest.raises(BenchError, match="a random subset holds none of 4 samples"):
        score(found, subsets={"misentry": ("4",)})


def test_false_alarms_are_counted_over_all_controls() -> None:
    """One of 300 answers; the bound is that of Clopper and Pearson."""
    controls = [observed("0" * 100, kind=kind, row="Control", control=True) for kind in ("none", "control-folded")]
    alarm = observed("1" + "0" * 99, kind="control-batch-7", row="Control", control=True)

    (found,) = score([*controls, alarm, observed("1")]).false_alarms

    assert (found.fingerprint, found.controls, found.answers, found.mismatches) == ("misentry", 3, 300, 1)
    assert found.upper == pytest.approx(0.0157, abs=1e-4)


def test_nothing_observed_is_an_empty_table() -> None:
    """A run that has just begun can be reported."""
    table = score([])

    assert (table.lines, table.fingerprints, table.cells, table.false_alarms) == ((), (), (), ())
    assert table.cell(Line(row="Unlearning", kind="unlearning"), "misentry", 1) is None
