"""MiSentry against closed forms, hand-made zoos and an interruption."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods.misentry import MiSentry, kl_divergence, margins
from modelprint.tamperings.zoo import Zoo
from modelprint.tensors import to_images
from modelprint.work import Work


def shifted(model: Classifier, amounts: list[float]) -> Classifier:
    """Return a copy with `amounts` added to its output biases."""
    twin = model.copy()
    twin.head.bias.data += torch.tensor(amounts)
    return twin


def test_margins_do_not_lose_a_change_far_below_float32_of_the_logits() -> None:
    """Logits of size 1000 and a change of 1e-6: adding first would round it away."""
    logits = torch.tensor([[1000.0, 1000.0, 0.0]])
    changes = torch.tensor([[[0.0, 1e-6, 0.0]]])

    ours, theirs = margins(logits, changes, torch.tensor([0]))

    assert ours.item() == 0
    assert theirs.item() == pytest.approx(-1e-6)
    assert (logits + changes)[0, 0, 0] == (logits + changes)[0, 0, 1]


def test_kl_and_its_gradient_agree_with_the_closed_form() -> None:
    """KL(p||q) = sum p (ln p - ln q); its gradient in the copy's logits is q - p. In float64."""
    rng = torch.Generator().manual_seed(0)
    target = torch.randn(5, 7, dtype=torch.float64, generator=rng)
    copies = torch.randn(3, 5, 7, dtype=torch.float64, generator=rng).requires_grad_()
    p, q = target.softmax(-1), copies.softmax(-1)

    value = kl_divergence(target, copies)

    torch.testing.assert_close(value, (p * (p.log() - q.log())).sum(-1), rtol=1e-10, atol=1e-12)
    (gradient,) = torch.autograd.grad(value.sum(), copies)
    torch.testing.assert_close(gradient, (q - p).detach(), rtol=1e-8, atol=1e-10)


def test_samples_split_target_and_copies_that_no_natural_image_splits(tiny_model: Classifier, split: DataSet) -> None:
    """Copies with two biases moved by 0.3 agree on natural images; half of the copies disagree on crafted ones."""
    zoo = Zoo({"up": (shifted(tiny_model, [0.3, 0, -0.3, 0]),), "down": (shifted(tiny_model, [-0.3, 0, 0.3, 0]),)})
    method = MiSentry(radius=2.0, steps=60, step=0.3, band=(0.0, 100.0), target_margin=0.02, copy_margin=0.02)
    sources = pick_sources(split.train, 12, seed=0).pixels

    crafted = method.craft_from(zoo, tiny_model, split, sources, 0, Work())

    def disputed(images: torch.Tensor) -> float:
        home = tiny_model.labels(images)
        return sum((copy.labels(images) != home).float().mean().item() for copy in zoo.copies) / 2

    assert disputed(crafted.images[crafted.usable]) >= disputed(to_images(sources)) + 0.25
    assert (crafted.images - to_images(sources)).flatten(1).norm(dim=1).max() <= 2.0 + 0.5 * 8 / 255
    assert torch.equal(crafted.images * 255, (crafted.images * 255).round())


def test_an_interrupted_search_continues_to_the_same_samples(
    tiny_model: Classifier, split: DataSet, tmp_path: object
) -> None:
    """Stopped after some outer iterations and taken up again, it ends where an undisturbed run ends."""
    zoo = Zoo({"up": (shifted(tiny_model, [0.3, 0, 0, 0]), shifted(tiny_model, [0, 0.3, 0, 0]))})
    method, sources = MiSentry(steps=12, inner=1), pick_sources(split.train, 4, seed=0).pixels

    def stop(phase: str, done: int, total: int) -> None:
        if phase == "crafting" and done == 7:
            raise KeyboardInterrupt

    whole = method.craft_from(zoo, tiny_model, split, sources, 0, Work())
    with pytest.raises(KeyboardInterrupt):
        method.craft_from(zoo, tiny_model, split, sources, 0, Work(folder=tmp_path, progress=stop))
    steps: list[int] = []
    rest = method.craft_from(
        zoo, tiny_model, split, sources, 0, Work(folder=tmp_path, progress=lambda _, done, __: steps.append(done))
    )

    assert torch.equal(rest.images, whole.images)
    assert steps[0] == 5
    other = method.craft_from(zoo, tiny_model, split, sources, 0, Work(folder=tmp_path, identity="other"))
    assert torch.equal(other.images, whole.images)


@pytest.mark.parametrize("wrong", [{"radius": 0.0}, {"steps": 0}, {"train_share": 1.0}, {"zoo": ("nothing*2",)}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    """A clear ValueError, before any work."""
    with pytest.raises(ValueError, match="got"):
        MiSentry(**wrong)
