"""Plans: what is read, what a scale makes of it, and which mistakes are named how."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from modelprint.bench.detection.fingerprints import FingerprintRecipe
from modelprint.bench.detection.plan import (
    PlannedDetection,
    RandomSubsets,
    seed_of,
)
from modelprint.bench.detection.published import published_table, published_tables
from modelprint.bench.plan import SCALES, Plan, at_scale
from modelprint.bench.plan_file import parse_plan, read_plan
from modelprint.methods import METHODS
from modelprint.methods.misentry import MiSentry
from modelprint.tamperings import CONTROLS

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.toml"))


TABLES = [path for path in PLANS if path.stem in {table.name for table in published_tables()}]


def detection(plan: Plan) -> PlannedDetection:
    """Return what a plan says about detection."""
    return plan.part(PlannedDetection)


def _keys(plan: Plan) -> dict[str, str]:
    """Return under which key the cache has each fingerprint of a plan."""
    planned = detection(plan)
    recipes = [FingerprintRecipe(planned=one, seed=seed_of(plan, one), zoo=planned.zoo) for one in planned.fingerprints]
    return {recipe.planned.name: recipe.key("model", "data") for recipe in recipes}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_plan_can_be_read_at_every_scale(path: Path) -> None:
    """All names exist, and each plan is called like its file."""
    plan = read_plan(path)

    assert plan.name == path.stem
    for scale in SCALES:
        assert at_scale(plan, scale).suspects


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_has_the_rows_of_the_paper(path: Path) -> None:
    """At paper and laptop scale nearly every published row is there; only the sample of ImageNet has fewer."""
    plan = read_plan(path)
    published = published_table(plan.the_target().data)
    assert published is not None

    for scale in ("paper", "laptop"):
        rows = [row.row for row in at_scale(plan, scale).suspects]
        missing = set(published.rows) - set(rows)
        assert not missing or path.stem == "table1-imagenet-sample"
        assert [row for row in dict.fromkeys(rows) if row in published.rows] == [
            row for row in published.rows if row not in missing
        ]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_controls_are_marked_as_such(path: Path) -> None:
    """Exactly the kinds that change nothing."""
    assert all(row.control == (row.kind in CONTROLS) for row in read_plan(path).suspects)


def test_the_laptop_has_the_default_zoo() -> None:
    """So that one cache serves a benchmark on a laptop and everything else."""
    plan = at_scale(read_plan(PLANS[0].with_name("table1-cifar10.toml")), "laptop")

    misentry = next(fingerprint for fingerprint in detection(plan).fingerprints if fingerprint.name == "misentry")
    assert misentry.build() == MiSentry()
    assert detection(plan).zoo == MiSentry().zoo
    assert seed_of(plan, misentry) == 7


def test_methods_are_compared_on_the_suspects_of_table_1() -> None:
    """Row for row and seed for seed, so that one cache serves both; what they share of fingerprints is the same too."""
    plans = [read_plan(PLANS[0].with_name(f"{name}.toml")) for name in ("table1-cifar10", "methods-cifar10")]

    for scale in ("paper", "laptop"):
        table, methods = (at_scale(plan, scale) for plan in plans)
        assert methods.suspects == table.suspects
        assert (methods.target, methods.models) == (table.target, table.models)
        assert detection(methods).zoo == detection(table).zoo
        keys = [_keys(plan) for plan in (table, methods)]
        assert all(keys[1][name] == keys[0][name] for name in ("natural", "bisection", "misentry"))


@pytest.mark.parametrize("name", ["cifar10", "gtsrb"])
def test_junctions_are_measured_on_the_suspects_of_table_1(name: str) -> None:
    """Row for row and seed for seed; what is compared with other methods is made once."""
    plans = [read_plan(PLANS[0].with_name(f"{kind}-{name}.toml")) for kind in ("table1", "junction")]

    for scale in ("paper", "laptop"):
        table, junctions = (at_scale(plan, scale) for plan in plans)
        assert junctions.suspects == table.suspects
        assert (junctions.target, junctions.models) == (table.target, table.models)
    methods = _keys(at_scale(read_plan(PLANS[0].with_name("methods-cifar10.toml")), "laptop"))
    ours = _keys(at_scale(read_plan(PLANS[0].with_name("junction-cifar10.toml")), "laptop"))
    assert all(ours[kind] == methods[kind] for kind in ("junction", "junction-3"))


@pytest.mark.parametrize("name", ["smoke", "methods-cifar10"])
def test_every_method_is_compared(name: str) -> None:
    """Those that come later have to be added."""
    plan = read_plan(PLANS[0].with_name(f"{name}.toml"))

    assert {fingerprint.method for fingerprint in detection(plan).fingerprints} == set(METHODS)


def test_a_scale_makes_a_plan_smaller(tiny_plan: str) -> None:
    """Fewer kinds, models and samples, other kinds in place of some, other settings."""
    plan = parse_plan(
        tiny_plan
        + """
[scales.smoke]
models = 1
count = 7
without = ["none"]
replace = { prune-20 = "prune-published" }
kinds.flip-sign = {}
kinds.prune-published = { share = 0.5 }
fingerprints = ["bisection"]
methods.bisection = { halvings = 3 }
zoo = []
bags = { size = 4, draws = 5 }
"""
    )

    small = at_scale(plan, "smoke")

    assert [row.kind for row in small.suspects] == ["prune-published", "flip-sign", "bit-flip"]
    assert small.suspects[0].settings == {"share": 0.5}
    assert [small.seeds_of(row) for row in small.suspects] == [(0,), (1,), (1,)]
    assert [(one.name, one.count, one.settings) for one in detection(small).fingerprints] == [
        ("bisection", 7, {"halvings": 3})
    ]
    assert (detection(small).zoo, small.scales) == ((), {})
    assert detection(small).random_subsets == RandomSubsets(size=4, draws=5)
    assert at_scale(plan, "paper").suspects == plan.suspects


def test_fewer_models_can_be_asked_for(tiny_plan: str) -> None:
    """They are the first of those the scale has; asking for more changes nothing."""
    plan = parse_plan(tiny_plan)

    one, many = at_scale(plan, "paper", 1), at_scale(plan, "paper", 99)

    assert [one.seeds_of(row) for row in one.suspects] == [(0,), (1,), (1,), (0,)]
    assert many == at_scale(plan, "paper")


def test_a_deterministic_kind_has_one_model(tiny_plan: str) -> None:
    """Its seed is 0; the others count from 1."""
    plan = parse_plan(tiny_plan)

    assert [plan.seeds_of(row) for row in plan.suspects] == [(0,), (1, 2), (1,), (0,)]


def test_a_plan_is_plain_data(tiny_plan: str) -> None:
    """It can be written as JSON and compared."""
    plan = parse_plan(tiny_plan)

    assert isinstance(plan, Plan)
    assert json.loads(json.dumps(asdict(plan)))["target"] == "digits"
    assert plan == parse_plan(tiny_plan)
