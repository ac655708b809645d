"""Plans: what is read, what a scale makes of it, and which mistakes are named how."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from modelprint.bench.detection.fingerprints import FingerprintRecipe
from modelprint.bench.detection.plan import (
    PlannedDetection,
    PlannedFingerprint,
    PlannedGenerator,
    RandomSubsets,
    seed_of,
)
from modelprint.bench.detection.published import published_table, published_tables
from modelprint.bench.plan import SCALES, Plan, at_scale
from modelprint.bench.plan_file import parse_plan, read_plan
from modelprint.cache import content_key
from modelprint.generators import ConvVae
from modelprint.methods import METHODS
from modelprint.methods.misentry import MiSentry
from modelprint.tamperings import CONTROLS

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.toml"))
TABLES = [path for path in PLANS if path.stem in {table.name for table in published_tables()}]


def detection(plan: Plan) -> PlannedDetection:
    """Return what a plan says about detection."""
    return plan.part(PlannedDetection)


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


def _keys(plan: Plan) -> dict[str, str]:
    """Return under which key the cache has each fingerprint of a plan."""
    planned = detection(plan)
    recipes = [FingerprintRecipe(planned=one, seed=seed_of(plan, one), zoo=planned.zoo) for one in planned.fingerprints]
    return {recipe.planned.name: recipe.key("model", "data") for recipe in recipes}


@pytest.mark.parametrize("name", ["smoke", "methods-cifar10"])
def test_every_method_is_compared(name: str) -> None:
    """Those that come later have to be added."""
    plan = read_plan(PLANS[0].with_name(f"{name}.toml"))

    assert {fingerprint.method for fingerprint in detection(plan).fingerprints} == set(METHODS)


def test_fingerprints_share_a_generator() -> None:
    """It follows from three settings of a method; who climbs in the pixels has none."""
    settings = {"generator": "conv-vae", "generator_settings": ["epochs=3", "latents=4"], "generator_seed": 5}
    walk = PlannedFingerprint(name="walk", method="public-check", settings=settings)
    other = PlannedFingerprint(name="other", method="public-check", settings=settings | {"rate": 0.5})
    local = PlannedFingerprint(name="local", method="ssf-bo", settings={"search": "local"})

    generator = walk.generator()

    assert (
        generator == other.generator() == PlannedGenerator(name="conv-vae", settings=("epochs=3", "latents=4"), seed=5)
    )
    assert generator is not None and generator.build() == ConvVae(epochs=3, latents=4)
    assert local.generator() is PlannedFingerprint(name="natural", method="natural").generator() is None


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


def test_rounding_is_a_part_of_what_a_fingerprint_is(tiny_plan: str) -> None:
    """Where it is not the usual one: keys of early caches stay as they were."""
    searched = tiny_plan.replace("count = 6", 'count = 6, rounding = "search"', 1)
    usual, other = (detection(parse_plan(text)).fingerprints[0] for text in (tiny_plan, searched))

    keys = [FingerprintRecipe(planned=planned, seed=7, zoo=()).key("m", "d") for planned in (usual, other)]

    assert (usual.rounding, usual.survives) == ("nearest", "exact")
    assert (other.rounding, other.survives) == ("search", "exact, rounded by search")
    assert keys[0] == content_key([1, "m", "d", "natural", {}, 6, "exact", "8-bit", 7, []])
    assert keys[1] != keys[0]


def test_a_search_is_handed_floats() -> None:
    """Methods that could judge eight-bit images do not, unless the plan says so."""
    one = PlannedFingerprint(name="x", method="ssf", rounding="search")

    assert not one.build().eight_bit
    assert replace(one, rounding="nearest").build().eight_bit
    assert replace(one, settings={"eight_bit": True}).build().eight_bit


def test_a_plan_is_plain_data(tiny_plan: str) -> None:
    """It can be written as JSON and compared."""
    plan = parse_plan(tiny_plan)

    assert isinstance(plan, Plan)
    assert json.loads(json.dumps(asdict(plan)))["target"] == "digits"
    assert plan == parse_plan(tiny_plan)
