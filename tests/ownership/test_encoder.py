"""The encoder: what it learns, how models compare, files, other victims, and what it refuses."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modelprint.errors import LoadingError
from modelprint.ownership import Contrastive, Encoder, Responses, similarities, similarity
from modelprint.ownership.encoder import COPY, FORMAT, OTHER, VICTIM

Make = Callable[..., Responses]
APART = (0.6, 0.4, 0.7, 0.3)
"""What models that are no copies answer."""
QUICK = Contrastive(learning_rate=0.01, epochs=40, batch=16)


def fitted(answered: Make, settings: Contrastive = QUICK, seed: int = 0) -> Encoder:
    """Return an encoder of one victim, two copies and two others."""
    copies, others = [answered("c1"), answered("c2")], [answered("o1", APART), answered("o2", APART)]
    return settings.fit(answered("victim"), copies, others, seed)


def test_cosines_are_taken_view_by_view(answered: Make) -> None:
    """Of (3, 4) with (4, 3): 24 of 25; of a view with itself: 1. The mean is the similarity."""
    victim = replace(answered("victim", views=2), values=torch.tensor([[3.0, 4.0], [1.0, 0.0]]), points=1)
    suspect = replace(victim, values=torch.tensor([[4.0, 3.0], [2.0, 0.0]]), model="suspect")

    assert similarities(victim, suspect).tolist() == pytest.approx([24 / 25, 1])
    assert similarity(victim, suspect) == pytest.approx(49 / 50)


@pytest.mark.parametrize("classes", ["two", "published"])
@pytest.mark.parametrize("loss", ["supervised", "published"])
def test_unseen_copies_come_near_and_others_do_not(answered: Make, classes: str, loss: str) -> None:
    """Further apart than their answers are, for models that the encoder never saw."""
    encoder = fitted(answered, replace(QUICK, classes=classes, loss=loss))
    victim, copy, other = answered("victim"), answered("new copy"), answered("new other", APART)

    plain = similarity(victim, copy) - similarity(victim, other)
    learnt = similarity(victim, copy, encoder) - similarity(victim, other, encoder)

    assert learnt > max(plain, 0.1)
    assert similarity(victim, victim, encoder) == pytest.approx(1)
    assert encoder.encode(copy).shape == (6, 20)


def test_labels_are_those_of_the_scheme() -> None:
    """Two: the victim is one of its copies. Published: 0, 1 and 2."""
    two, published = Contrastive(), Contrastive(classes="published")

    assert [two.label(role) for role in (VICTIM, OTHER, COPY)] == [0, 1, 0]
    assert [published.label(role) for role in (VICTIM, OTHER, COPY)] == [0, 1, 2]


def test_logarithms_are_taken_from_a_ten_thousandth_up(answered: Make) -> None:
    """Less their mean over the classes, by hand; nothing below the floor makes a difference. Published: as answered."""
    values = torch.tensor([[0.9, 0.1, 1.0, 0.0], [0.9, 0.1, 0.99999, 0.00001]])
    responses = replace(answered("victim"), values=values, points=1)
    high, far = math.log(9) / 2, math.log(1e4) / 2

    first, second = Contrastive().inputs(responses)

    assert first.tolist() == pytest.approx([high / 3, -high / 3, far / 3, -far / 3])
    assert second.tolist() == pytest.approx(first.tolist(), abs=1e-5)
    assert Contrastive(space="probabilities").inputs(responses) is values


def test_settings_of_before_spaces_are_of_probabilities() -> None:
    """Files that were written before there was a choice keep their meaning."""
    assert Contrastive.read({"epochs": 3}) == Contrastive(epochs=3, space="probabilities")
    assert Contrastive.read(asdict(Contrastive())) == Contrastive()


def test_the_defaults_are_those_of_the_public_code() -> None:
    """But for the labels, what is represented, the loss and the number of passes."""
    settings = Contrastive()

    assert (settings.hidden, settings.features, settings.temperature) == (50, 20, 0.2)
    assert (settings.recipe.optimiser, settings.learning_rate, settings.batch) == ("adam", 5e-4, 512)


def test_the_same_seed_gives_the_same_encoder(answered: Make) -> None:
    """Bit for bit; another seed gives another. It remembers whom it saw."""
    first, second, other = (fitted(answered, seed=seed) for seed in (1, 1, 2))

    states = [encoder.network.state_dict() for encoder in (first, second, other)]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
    assert (states[0]["0.weight"] != states[2]["0.weight"]).any()
    assert first.seen == ("c1", "c2", "o1", "o2", "victim")


def test_a_file_gives_the_same_encoder(tmp_path: Path, answered: Make) -> None:
    """Answers, settings and whom it saw."""
    encoder, path = fitted(answered), tmp_path / "encoder.safetensors"

    encoder.save(path)
    again = Encoder.load(path)

    assert (again.encode(answered("x")) == encoder.encode(answered("x"))).all()
    assert (again.settings, again.points, again.class_count, again.seen) == (QUICK, 2, 2, encoder.seen)


def changed(path: Path, **facts: object) -> Path:
    """Return a copy of an encoder's file that claims something else."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        said = json.loads(file.metadata()[FORMAT])
    other = path.with_name("changed.safetensors")
    save_file(load_file(path), other, metadata={FORMAT: json.dumps(said | facts)})
    return other


def test_a_file_that_is_no_encoder_is_refused(tmp_path: Path, answered: Make) -> None:
    """Other weights, other claims, sizes that no tensor bears out: never built, one line each."""
    path, bare = tmp_path / "encoder.safetensors", tmp_path / "bare.safetensors"
    fitted(answered).save(path)
    save_file({"x": torch.zeros(1)}, bare)

    with pytest.raises(LoadingError, match="holds no encoder"):
        Encoder.load(bare)
    with pytest.raises(LoadingError, match="no weights file"):
        Encoder.load(tmp_path / "missing.safetensors")
    with pytest.raises(LoadingError, match="its weights are not those of 10000000000 points of 2 classes"):
        Encoder.load(changed(path, points=10**10))
    with pytest.raises(LoadingError, match="cannot be read"):
        Encoder.load(changed(path, settings={"hidden": 0}))
    with pytest.raises(LoadingError, match="cannot be read"):
        Encoder.load(changed(path, seen=None))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(LoadingError, match="not a readable safetensors file"):
        Encoder.load(path)


def test_another_victim_is_served_where_the_shapes_fit(answered: Make) -> None:
    """Its own views, the same points and classes; others are refused, also where the lengths happen to agree."""
    encoder = fitted(answered)
    victim, copy = answered("victim 2", asked="those"), answered("copy 2", asked="those")
    fewer = replace(victim, values=victim.values[:, :4], points=1)
    more_classes = replace(victim, points=1)

    assert similarity(victim, copy, encoder) > 0.9
    with pytest.raises(ValueError, match="takes 2 points of 2 classes, these responses have 1 of 2"):
        encoder.encode(fewer)
    with pytest.raises(ValueError, match="takes 2 points of 2 classes, these responses have 1 of 4"):
        encoder.encode(more_classes)


def test_answers_to_other_questions_are_not_compared(answered: Make) -> None:
    """Neither in training nor afterwards."""
    with pytest.raises(ValueError, match=r"different views \(these and those\)"):
        similarities(answered("victim"), answered("suspect", asked="those"))
    with pytest.raises(ValueError, match="different views"):
        QUICK.fit(answered("victim"), [answered("c", asked="those")], [answered("o")], 0)


def test_an_encoder_needs_copies_and_others(answered: Make) -> None:
    """One of each at least."""
    with pytest.raises(ValueError, match="at least one copy and one other model, got 0 and 1"):
        QUICK.fit(answered("victim"), [], [answered("o")], 0)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"features": 0}, "features must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"epochs": 0}, "batch and epochs must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], complaint: str) -> None:
    """At once, with the value that was given."""
    with pytest.raises(ValueError, match=complaint):
        Contrastive(**settings)
