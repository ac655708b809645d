"""A mistake in the file of a plan is one line that names its key."""

import os
from pathlib import Path

import pytest

from modelprint.bench.plan import at_scale
from modelprint.bench.plan_file import parse_plan, read_plan


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("prune-20", "prune-21", "suspects[0].kind: there is no 'prune-21'; choose one of none, finetune-last-1e-3"),
        ('"digits"', '"digit"', "target: there is no 'digit'; choose one of cifar10-resnet20"),
        ('"bisection", count', '"bisect", count', "fingerprints[1].method: there is no 'bisect'; choose one of"),
        ('"exact"', '"inexact"', "fingerprints[0].profile: there is no profile 'inexact'; choose one of exact, fp32"),
        ("flip-sign*2", "flip-sign*0", "zoo: a zoo entry is KIND*COUNT"),
        ("models = 2", "models = -2", "models: input should be greater than or equal to 1, got -2"),
        ("count = 6", "count = 0", "fingerprints[0].count: input should be greater than or equal to 1, got 0"),
        ("count = 6", "count = '6'", "fingerprints[0].count: input should be a valid integer, got '6'"),
        ("models = 2", "modles = 2", "modles: there is no such key"),
        ("control = true", "controll = true", "suspects[3].controll: there is no such key"),
        ('title = "A test"', "", "title: it is needed and missing"),
        ('"float"', '"flaot"', "fingerprints[2].form: input should be '8-bit' or 'float', got 'flaot'"),
        ('name = "natural", ', 'name = "../x", ', "fingerprints[0].name: string should match pattern"),
        ("count = 6", 'count = 6, rounding = "up"', "fingerprints[0].rounding: input should be 'nearest' or 'search'"),
        ('"float"', '"float", rounding = "search"', "fingerprints[2].rounding: samples in floats are not rounded"),
        ('"int8-weights"', '"int8"', "suspects[2].reference: there is no 'int8'"),
        ('"int8-weights"', '"flip-sign"', "suspects[2].reference: flip-sign differs from seed to seed"),
        ('kind = "none"', 'kind = "prune-20"', "suspects: prune-20 stands there twice"),
        ('name = "natural"', 'name = "bisection"', "fingerprints: bisection stands there twice"),
        ("count = 6, ", "count = 6, settings = { x = 1 }, ", "fingerprints[0].settings: natural has no setting 'x'"),
        (
            'kind = "prune-20"',
            'kind = "prune-20", settings = { share = "half" }',
            "suspects[0].settings: share is a number, got 'half'",
        ),
        ("suspects = [", "suspects = {", "not readable as TOML: "),
        ("models = 2", 'outputs = ["top-9"]', "outputs[0]: there is no 'top-9'; choose one of top-1, top-3"),
        ("models = 2", 'outputs = ["top-3", "top-3"]', "outputs: top-3 stands there twice"),
        ("models = 2", "ns = [1, 0]", "ns[1]: input should be greater than or equal to 1, got 0"),
        ("models = 2", "ns = [5, 5]", "ns: 5 stands there twice"),
        (
            "models = 2",
            "random_subsets = { size = 0 }",
            "random_subsets.size: input should be greater than or equal to 1, got 0",
        ),
        ("models = 2", "bags = { sizes = 9 }", "bags.sizes: there is no such key"),
        ("models = 2", "parts = 3", "parts: there is no such key"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, said: str, tiny_plan: str) -> None:
    """One line with the key, what is wrong and, where that is short, what would be right."""
    assert old in tiny_plan

    with pytest.raises(ValueError) as raised:
        parse_plan(tiny_plan.replace(old, new, 1))

    assert said.lower() in str(raised.value).lower()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        ('[scales.smoke]\nonly = ["x"]', "at scale smoke: scales.smoke.only: the plan has no 'x'; it has bit-flip"),
        ('[scales.smoke]\nreplace = { none = "nothing" }', "suspects[3].kind: there is no 'nothing'"),
        ('[scales.smoke]\nreplace = { none = "prune-20" }', "suspects: prune-20 stands there twice"),
        ("[scales.smoke]\nmethods.x = {}", "scales.smoke.methods: the plan has no 'x'; it has bisection"),
        ("[scales.smoke]\nonly = []", "at scale smoke: suspects: none is left"),
        ("[scales.huge]", "got 'huge'"),
    ],
)
def test_a_mistake_in_a_scale_is_named(scale: str, said: str, tiny_plan: str) -> None:
    """Before any work, whichever scale is asked for."""
    with pytest.raises(ValueError) as raised:
        parse_plan(tiny_plan + scale)

    assert said in str(raised.value)


def test_a_file_that_is_no_plan_is_named(tmp_path: Path, tiny_plan: str) -> None:
    """With its path first."""
    path = tmp_path / "plan.toml"
    with pytest.raises(ValueError, match=r"plan\.toml: No such file"):
        read_plan(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"plan\.toml: not a UTF-8 text"):
        read_plan(path)
    path.write_bytes(b"#" * 2**21)
    with pytest.raises(ValueError, match="which is no plan"):
        read_plan(path)
    path.write_text(tiny_plan)

    with pytest.raises(ValueError, match="there is no scale 'huge'; choose one of smoke, laptop, paper"):
        at_scale(read_plan(path), "huge")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "not readable as TOML"),
        ("a = " + "9" * 5000, "not readable as TOML"),
        ("scales = 1", "scales: each scale is a table"),
        ("scales = { small = 1 }", "scales: each scale is a table"),
    ],
)
def test_any_text_is_a_plan_or_a_value_error(text: str, message: str) -> None:
    """Deep nesting, numbers of many digits, tables that are none."""
    with pytest.raises(ValueError, match=message):
        parse_plan(text)


def test_a_fifo_is_no_plan(tmp_path: Path) -> None:
    """It would be waited for."""
    os.mkfifo(tmp_path / "plan.toml")

    with pytest.raises(ValueError, match="is not a regular file"):
        read_plan(tmp_path / "plan.toml")
