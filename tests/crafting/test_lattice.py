"""Eight-bit images with given relations between logits: on a linear network the best one is known by brute force."""

import itertools
from collections.abc import Callable

import pytest
import torch

from modelprint.crafting.junction import Box, Precisions, Relations
from modelprint.crafting.lattice import WORST, Search, diffuse, fineness, refine, score, spread
from modelprint.streams import stream

SHAPE = (1, 2, 3)
Linear = Callable[..., Precisions]


def grey(level: int = 128, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    """Return one image of one grey level."""
    return torch.full((1, *shape), level, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(4))
def test_search_finds_the_best_image_of_all(linear: Linear, seed: int) -> None:
    """Six pixels that may move a level each way: 729 images, all tried by hand."""
    precisions, levels = linear(3, seed), grey()
    relations = Relations.tie(torch.tensor([[0, 1, 2]]), gap=0.01)
    box = Box(low=(levels - 1) / 255, high=(levels + 1) / 255)
    moves = torch.tensor(list(itertools.product((-1.0, 0.0, 1.0), repeat=6)), dtype=torch.float64)
    everything = levels + moves.view(-1, *SHAPE)
    every = torch.zeros(len(everything), dtype=torch.int64)
    best = score(precisions.exact_logits(everything / 255), relations.take(every), -torch.inf).min()

    found = refine(precisions, levels, relations, box, -torch.inf, Search(rounds=6, pixels=8), stream(0, "search"))

    assert float(score(precisions.exact_logits(found / 255), relations, -torch.inf)[0]) == pytest.approx(float(best))


def test_score_is_the_error_of_the_gaps_and_tells_who_does_not_lead() -> None:
    """Gaps of 3 and 5 where 1 and 1 were asked: errors 2 and 4; a class outside the tie may be in the way."""
    relations = Relations.tie(torch.tensor([[0, 1, 2]] * 3), gap=1.0)
    logits = torch.tensor([[5.0, 2.0, 0.0, -9.0], [5.0, 2.0, 0.0, 4.9], [5.0, 2.0, 0.0, 6.0]], dtype=torch.float64)

    scores = score(logits, relations, margin=0.5)

    assert scores.tolist() == pytest.approx([10**0.5, 10**0.5 + WORST, 10**0.5 + WORST])
    assert spread(logits, relations.classes).tolist() == [5.0, 5.0, 5.0]


def test_diffusion_loses_less_than_rounding(linear: Linear) -> None:
    """On 64 pixels of a linear network the error that is left is less than a twentieth of that of plain rounding."""
    shape = (1, 8, 8)
    precisions = linear(4, shape=shape)
    relations = Relations.tie(torch.tensor([[0, 1, 2, 3]]))
    images = torch.rand(1, *shape, generator=stream(1, "image"), dtype=torch.float64) / 2 + 0.25
    wanted = Relations(classes=relations.classes, gaps=relations.excess(precisions.exact_logits(images)))
    levels = images * 255

    rounded = float(score(precisions.exact_logits(levels.round() / 255), wanted, -torch.inf)[0])
    diffused = diffuse(precisions, images.float(), wanted, Box.around(images.float()))

    assert torch.equal(diffused, diffused.round())
    assert (diffused - levels).abs().max() < 8
    assert float(score(precisions.exact_logits(diffused / 255), wanted, -torch.inf)[0]) < rounded / 20


def test_nothing_leaves_the_box(linear: Linear) -> None:
    """Where only two levels are allowed, only these are used; a pixel that may not move stays."""
    precisions, source = linear(3), grey(250).float() / 255
    box = Box.around(source, 2 / 255)
    relations = Relations.tie(torch.tensor([[0, 1, 2]]), gap=0.3)

    diffused = diffuse(precisions, source, relations, box)
    found = refine(precisions, diffused, relations, box, 0.0, Search(pixels=8), stream(0, "search"))

    assert (diffused - 250).abs().max() <= 2
    assert (found - 250).abs().max() <= 2
    still = Box(low=source, high=source)
    assert torch.equal(refine(precisions, grey(250), relations, still, 0.0, Search(), stream(0, "x")), grey(250))


def test_search_is_never_worse_and_repeats(linear: Linear) -> None:
    """Equal seeds give equal images, and no more error than before."""
    precisions, levels = linear(4, 3), grey(100)
    relations, box = Relations.tie(torch.tensor([[1, 0, 2, 3]])), Box.around(grey(100) / 255)
    before = float(score(precisions.exact_logits(levels / 255), relations, -torch.inf)[0])

    found, again = (
        refine(precisions, levels, relations, box, -torch.inf, Search(pixels=8, candidates=20), stream(5, "search"))
        for _ in range(2)
    )

    assert torch.equal(found, again)
    assert float(score(precisions.exact_logits(found / 255), relations, -torch.inf)[0]) <= before


def test_fineness_is_the_middle_effect_of_the_least_pixels(linear: Linear) -> None:
    """A network whose pixels move the two logits apart by 1, 2, ... 6: of the least three it is 2 levels' worth."""
    precisions = linear(2)
    with torch.no_grad():
        next(precisions.quick.parameters()).copy_(torch.stack([torch.arange(1.0, 7.0), torch.zeros(6)]))

    size = fineness(precisions, grey().float() / 255, Relations.tie(torch.tensor([[0, 1]])), 3)

    assert float(size[0]) == pytest.approx(2 / 2**0.5 / 255)


@pytest.mark.parametrize("name", ["rounds", "pixels", "pairs", "candidates"])
def test_impossible_searches_are_refused(name: str) -> None:
    """Each number has a least value."""
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        Search(**{name: -1})
