import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods.ibsf import FORMS, IBSF, iterate, log_partial_entropy, partial_entropy
from modelprint.pixels import Pixels
from modelprint.tensors import to_images, to_pixels
from modelprint.work import Work


def three_classes(scale: float) -> Classifier:
    """Return a classifier of 2x2 images with logits s (a - 0.4), s (b - 0.6) and 0, of the first two pixels a and b."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    with torch.no_grad():
        network[1].weight.copy_(scale * torch.eye(3, 4) * torch.tensor([[1.0], [1.0], [0.0]]))
        network[1].bias.copy_(scale * torch.tensor([-0.4, -0.6, 0.0]))
    return Classifier(network, image_shape=(1, 2, 2), class_count=3)


def two_pixels(a: int, b: int) -> Pixels:
    """Return one 2x2 image whose lower half is black."""
    return np.array([[[[a, b], [0, 0]]]], dtype=np.uint8)


def one_by_one(network: nn.Module, source: Tensor, steps: int, radius: float, k: int, kind: str) -> list[np.ndarray]:
    """The public loop, literally: one image, numpy projection, and for Adam a gradient that is never reset."""
    x, reference, path = source.clone().requires_grad_(), source.numpy().copy(), [source.numpy().copy()]
    optimiser = (torch.optim.Adam if kind == "adam" else torch.optim.SGD)([x], lr=1.0)
    for _ in range(steps):
        if kind == "sgd":
            optimiser.zero_grad()
        p = torch.softmax(torch.squeeze(network(x)), dim=-1)
        chosen = p[torch.topk(p, k=len(p)).indices[:k]]
        loss = -(-chosen * chosen.log()).sum()
        loss.backward()
        optimiser.step()
        difference = x.detach().numpy() - reference
        length = np.sqrt(np.sum(difference**2))
        moved = reference + difference / length * radius if length > radius else x.detach().numpy()
        moved = np.clip(moved, 0.0, 1.0)
        x.data = torch.tensor(moved)
        path.append(moved)
    return path


def test_the_entropy_of_the_leading_classes_is_known_by_hand() -> None:
    """For p = (1/2, 1/4, 1/8, 1/8) the two leading terms are ln 2 / 2 each; all four add up to 7/4 ln 2."""
    logits = torch.tensor([[0.5, 0.125, 0.25, 0.125]], dtype=torch.float64).log()

    assert partial_entropy(logits, 2).item() == pytest.approx(math.log(2), rel=1e-12)
    assert partial_entropy(logits, 4).item() == pytest.approx(1.75 * math.log(2), rel=1e-12)
    assert log_partial_entropy(logits, 2).exp().item() == pytest.approx(math.log(2), rel=1e-12)
    assert log_partial_entropy(logits, 4).exp().item() == pytest.approx(1.75 * math.log(2), rel=1e-12)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_the_logarithm_agrees_with_autograd_of_the_plain_sum(k: int, scale: float) -> None:
    """In float64, value and gradient are those of the logarithm of the sum as one would write it down."""
    logits = scale * torch.randn(20, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, plain = logits.clone().requires_grad_(), logits.clone().requires_grad_()

    p = plain.softmax(1).topk(k, dim=1).values
    expected = (-p * p.log()).sum(1).log()
    expected.sum().backward()
    found = log_partial_entropy(ours, k)
    found.sum().backward()

    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-11)
    assert ours.grad is not None and plain.grad is not None
    assert torch.allclose(ours.grad, plain.grad, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("lead", [20.0, 60.0, 500.0])
def test_a_saturated_image_still_has_a_gradient(lead: float) -> None:
    """With a lead of L the second class counts L e^-L and the first e^-L: the logarithm is -L + log(1 + L)."""
    logits = torch.tensor([[lead, 0.0]]).requires_grad_()

    value = log_partial_entropy(logits, 2)
    value.sum().backward()

    assert value.item() == pytest.approx(-lead + math.log(1 + lead), rel=1e-5)
    assert logits.grad is not None
    assert logits.grad[0].tolist() == pytest.approx([-1 + 1 / (1 + lead), 1 - 1 / (1 + lead)], rel=1e-4)


def test_the_repaired_form_finds_the_tie_of_three_classes(split: DataSet) -> None:
    """All three logits agree at a = 0.4, b = 0.6 and nowhere else; the unused pixels stay."""
    crafted = IBSF(eight_bit=False).craft(three_classes(12.0), split, two_pixels(140, 120), 0, Work())

    assert crafted.images[0, 0, 0].tolist() == pytest.approx([0.4, 0.6], abs=1e-3)
    assert crafted.images[0, 0, 1].tolist() == [0, 0]
    assert float(crafted.notes["mean_entropy"]) == pytest.approx(math.log(3), abs=1e-4)


def test_eight_bit_samples_are_the_best_grey_levels_on_the_way(split: DataSet) -> None:
    """The tie is at the grey levels 102 and 153 exactly, and an iterate that rounds to them is kept."""
    crafted = IBSF().craft(three_classes(12.0), split, two_pixels(140, 120), 0, Work())

    assert to_pixels(crafted.images).tolist() == two_pixels(102, 153).tolist()


def test_a_sure_image_leaves_only_with_the_logarithm(split: DataSet) -> None:
    """At 0.5 above the tie a scale of 60 makes it sure to 1e-13: float32 sees no gradient of the plain sum there."""
    model, source = three_classes(60.0), two_pixels(230, 102)

    repaired = IBSF(k=2, eight_bit=False).craft(model, split, source, 0, Work())
    plain = IBSF(form="published", optimiser="sgd", accumulate=False, steps=200, k=2, eight_bit=False)

    top = model.logits(repaired.images).softmax(1)[0].sort(descending=True).values
    assert top[:2].tolist() == pytest.approx([0.5, 0.5], abs=0.05)
    assert torch.allclose(plain.craft(model, split, source, 0, Work()).images, to_images(source), atol=1e-6)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
@pytest.mark.parametrize("k", [2, 4])
def test_the_published_form_walks_as_the_public_loop(kind: str, k: int, tiny_model: Classifier, split: DataSet) -> None:
    """Iterate by iterate, all images at once are where each would be alone; the best one is kept."""
    model, sources = tiny_model.double(), to_images(pick_sources(split.train, 4, seed=0).pixels, torch.float64)
    method = IBSF(
        form="published",
        k=k,
        steps=6,
        radius=0.7,
        optimiser="adam" if kind == "adam" else "sgd",
        accumulate=kind == "adam",
        eight_bit=False,
    )

    ours = torch.stack([images for images, _ in iterate(model.network, sources, method.ascent, k, 0.7)])
    literal = [one_by_one(model.network, source[None], 6, 0.7, k, kind) for source in sources]
    crafted = method.craft(model, split, to_pixels(sources), 0, Work())

    theirs = torch.from_numpy(np.stack(literal, axis=1)[:, :, 0])
    assert ours.shape == theirs.shape == (7, 4, 1, 8, 8)
    assert torch.allclose(ours, theirs, atol=1e-9)
    scores = torch.stack([partial_entropy(model.logits(images), k) for images in theirs])
    best = theirs[scores.argmax(0), torch.arange(4)]
    assert torch.allclose(crafted.images, best, atol=1e-9)


def test_the_gradient_accumulates_only_as_published() -> None:
    """The presets differ in this, in the objective, the rate and its decay."""
    published, repaired = FORMS["published"], FORMS["repaired"]

    assert (published.accumulate, published.steps, published.rate(4999)) == (True, 5000, 1.0)
    assert (repaired.accumulate, repaired.steps, repaired.rate(0), repaired.rate(100)) == (False, 200, 0.01, 0.005)
    assert IBSF(steps=7, accumulate=True).ascent.steps == 7
    assert IBSF(steps=7, accumulate=True).ascent.accumulate


@pytest.mark.parametrize("form", FORMS)
def test_no_sample_leaves_the_ball(form: str, tiny_model: Classifier, split: DataSet) -> None:
    """As floats exactly, as grey levels up to their rounding; and the entropy is above the source's."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    start = to_images(sources)
    for eight_bit in (False, True):
        method = IBSF(
            form="published" if form == "published" else "repaired", steps=10, radius=0.5, eight_bit=eight_bit
        )

        images = method.craft(tiny_model, split, sources, 0, Work()).images

        slack = 0.5 / 255 * 8 if eight_bit else 1e-5
        assert (images - start).flatten(1).norm(dim=1).max() <= 0.5 + slack
        assert images.min() >= 0 and images.max() <= 1
        before, after = (partial_entropy(tiny_model.logits(x), 4) for x in (start, images))
        assert (after >= before - 1e-6).all() and after.mean() > before.mean()
        assert not eight_bit or torch.equal(images, to_images(to_pixels(images)))


def test_chunks_and_an_interruption_change_nothing(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Eight images in chunks of three, stopped after the first chunk, are those of one go."""
    sources = pick_sources(split.train, 8, seed=0).pixels
    whole = IBSF(steps=5).craft(tiny_model, split, sources, 0, Work())
    method = IBSF(steps=5, chunk=3)

    def stop(phase: str, done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method.craft(tiny_model, split, sources, 0, Work(progress=stop, folder=tmp_path, identity="one"))
    reported: list[int] = []
    resumed = Work(progress=lambda phase, done, total: reported.append(done), folder=tmp_path, identity="one")
    again = method.craft(tiny_model, split, sources, 0, resumed)

    assert torch.allclose(again.images, whole.images, atol=1 / 255)
    assert torch.equal(again.images, method.craft(tiny_model, split, sources, 0, Work()).images)
    assert (reported[0], reported[-1]) == (5, 15)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 1}, "k must be at least 2"),
        ({"radius": 0.0}, "radius must be positive"),
        ({"step": float("nan")}, "step must be positive"),
        ({"steps": 0}, "steps must be positive"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=message):
        IBSF(**settings)  # type: ignore[arg-type]


def test_more_classes_than_there_are_cannot_tie(tiny_model: Classifier, split: DataSet) -> None:
    """The classifier knows four."""
    with pytest.raises(ValueError, match="tiny knows 4 classes, so k cannot be 5"):
        IBSF(k=5).craft(tiny_model, split, split.train.pixels[:1], 0, Work())
