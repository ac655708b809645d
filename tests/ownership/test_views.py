"""Points, views and responses, on a model whose outputs are the grey values themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import CraftingError, OracleError
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer
from modelprint.ownership import Clusters, Perturbation, Universal, Views
from modelprint.ownership.probabilities import ask_probabilities
from modelprint.ownership.views import nearest
from modelprint.pixels import Picture

LEVELS = (0, 1, 3, 100, 101, 104)
BRIGHTER = Perturbation(levels=np.full((1, 1, 1), 10, dtype=np.int16), fooled=3, tested=4, wanted=0.7)


def one_pixel() -> Classifier:
    """Return a classifier of one-pixel images: logits 0 and the grey value."""
    layer = nn.Linear(1, 2, bias=False)
    layer.weight.data = torch.tensor([[0.0], [255.0]])
    return Classifier(nn.Sequential(nn.Flatten(), layer), image_shape=(1, 1, 1), class_count=2, name="one pixel")


def greys(*levels: int) -> LabelledImages:
    """Return one-pixel images of these grey levels."""
    pixels = np.array(levels, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return LabelledImages(pixels=pixels, labels=np.zeros(len(levels), dtype=np.int64), class_names=("dark", "bright"))


def chosen(pick: str = "central", **settings: int) -> Views:
    """Return views of two points, one near 0 and one near 100."""
    return Clusters(points=2, views=2, pick=pick, **settings).choose(one_pixel(), greys(*LEVELS), BRIGHTER, seed=0)


def test_each_cluster_has_a_point_and_neighbours_make_the_views() -> None:
    """Centres 4/3 and 101.67: points 1 and 101; their neighbours 0 and 100."""
    views = chosen()

    asked = views.pixels.flatten()[views.index]
    assert sorted(asked[0]) == [1, 101]
    assert sorted(asked[1]) == [0, 100]
    assert (len(views), views.points, views.length) == (2, 2, 2 * 2 * 2)


def test_a_drawn_point_is_some_image_of_its_cluster() -> None:
    """The same for the same seed, and view 0 is the points themselves."""
    settings = Clusters(points=2, views=3)
    places = torch.tensor([[float(level)] for level in LEVELS])

    first, second = (settings.representatives(places, seed=5).tolist() for _ in range(2))
    others = {tuple(sorted(settings.representatives(places, seed).tolist())) for seed in range(12)}

    assert first == second
    assert all(a < 3 <= b for a, b in others)
    assert len(others) > 3


def test_a_point_is_its_own_nearest_neighbour() -> None:
    """Even where an earlier image has the same outputs; the rest come by distance, equal ones in order."""
    places = torch.tensor([[0.0], [2.0], [2.0], [5.0], [1.0]]).double()

    assert nearest(places, torch.tensor([2, 4]), 4).tolist() == [[2, 1, 4, 0], [4, 0, 1, 2]]


def test_responses_hold_each_point_before_and_after() -> None:
    """In each view: point 0 before, point 0 after, point 1 before, point 1 after, all classes each."""
    model, views = one_pixel(), chosen()

    found = views.ask(model)

    assert found.values.shape == (2, 8)
    for view in range(2):
        for point in range(2):
            pixels = views.pixels[[views.index[view, point]]]
            pair = torch.cat([ask_probabilities(model, asked, 2) for asked in (pixels, pixels + 10)]).flatten()
            assert torch.allclose(found.values[view, 4 * point : 4 * point + 4], pair.float())
    assert (found.points, found.class_count, found.views, found.model) == (2, 2, views.digest, model.digest())


def test_pictures_that_views_share_are_asked_about_once() -> None:
    """Three neighbours of two points, four images: six places, but eight questions and not twelve."""
    views = Clusters(points=2, views=3).choose(one_pixel(), greys(0, 1, 3, 5), BRIGHTER, seed=0)
    oracle = _Telling()

    found = views.ask(oracle)

    assert views.questions == oracle.asked == 2 * len(views.pixels) == 8
    assert found.values.shape == (3, 8)


def test_an_oracle_is_asked_like_a_classifier() -> None:
    """The same probabilities give the same responses."""
    views = chosen()
    oracle = _Telling()

    assert torch.allclose(views.ask(oracle).values, views.ask(one_pixel()).values)
    assert (views.ask(LocalOracle(one_pixel())).values == views.ask(one_pixel()).values).all()


def test_an_oracle_of_labels_is_refused() -> None:
    """With what would do instead."""
    with pytest.raises(OracleError, match=r"picture 1 of 8: .* needs the probability of every class"):
        chosen().ask(_Telling(silent=True))


class _Telling:
    """Tells what `one_pixel` would, class by class."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent, self.asked = silent, 0

    def ask(self, picture: Picture) -> Answer:
        self.asked += 1
        row = ask_probabilities(one_pixel(), picture.pixels[None], 2)[0].tolist()
        return Answer(label=0, ranking=() if self.silent else tuple(enumerate(row)))

    def describe(self) -> dict[str, str]:
        return {"kind": "telling"}


def test_fewer_views_ask_less() -> None:
    """The first of two views: half of the pictures, the same answers."""
    views = chosen()

    first = views.first(1)

    assert (len(first), first.questions, views.questions) == (1, 4, 8)
    assert (first.ask(one_pixel()).values == views.ask(one_pixel()).values[:1]).all()
    assert first.digest != views.digest
    with pytest.raises(ValueError, match="count is 1 to 2, the number of views, got 3"):
        views.first(3)


def test_views_are_kept_as_tensors() -> None:
    """What comes back asks the same and says the same of the perturbation; what is none of it is refused."""
    views = chosen()
    tensors = views.tensors()

    again = Views.from_tensors(tensors)

    assert again.digest == views.digest
    assert again.perturbation.summary() == BRIGHTER.summary()
    with pytest.raises(ValueError, match="these tensors are no views: 'levels'"):
        Views.from_tensors({name: tensor for name, tensor in tensors.items() if name != "levels"})
    with pytest.raises(ValueError, match="no views: pixels is float32 with 4 axes, expected uint8 with 4"):
        Views.from_tensors(tensors | {"pixels": tensors["pixels"].float()})
    with pytest.raises(ValueError, match="views point to pictures 4 to 7, but there are 4"):
        Views.from_tensors(tensors | {"index": tensors["index"] + 4})
    with pytest.raises(ValueError, match="a classifier knows at least 2 classes, got 1"):
        Views.from_tensors(tensors | {"counts": torch.tensor([1, 3, 4])})
    with pytest.raises(ValueError, match="5 fooled images of 4 is no count"):
        Views.from_tensors(tensors | {"counts": torch.tensor([2, 5, 4])})
    with pytest.raises(ValueError, match="wanted is a share of images, 0 to 1, got 7"):
        Views.from_tensors(tensors | {"wanted": torch.tensor(7.0, dtype=torch.float64)})


def test_a_suspect_of_other_images_is_refused(tiny_model: Classifier) -> None:
    """As is a model that points are to be chosen for."""
    with pytest.raises(ValueError, match="tiny takes images of shape"):
        chosen().ask(tiny_model)
    with pytest.raises(ValueError, match="tiny takes images of shape"):
        Clusters(points=2, views=2).choose(tiny_model, greys(*LEVELS), BRIGHTER, seed=0)


def test_too_few_images_are_refused() -> None:
    """Fewer than points or views, or too few that differ."""
    model = one_pixel()
    with pytest.raises(ValueError, match="2 points with 3 neighbours need as many images"):
        Clusters(points=2, views=3).choose(model, greys(1, 2), BRIGHTER, seed=0)
    with pytest.raises(CraftingError, match="4 images have only 2 different outputs, too few for 3 points"):
        Clusters(points=3, views=2).choose(model, greys(1, 1, 2, 2), BRIGHTER, seed=0)
    with pytest.raises(ValueError, match="points and views must be at least 1, got 0 and 2"):
        Clusters(points=0, views=2)


def test_the_same_seed_gives_the_same_views(tiny_model: Classifier, split: DataSet) -> None:
    """On a network of its own, in either space; another seed takes other points."""
    made = Universal(radius=40, rate=0.0, steps=5).craft(tiny_model, split, 0)

    for settings in (Clusters(points=6, views=4), Clusters(points=6, views=4, space="probabilities")):
        first, second, other = (settings.choose(tiny_model, split.train, made, seed) for seed in (1, 1, 2))
        assert first.digest == second.digest != other.digest
        assert first.ask(tiny_model).values.shape == (4, 2 * 6 * 4)
