"""The VQ-VAE: codes, losses and gradients as in equation (3) of its paper, on images it can take."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses

from modelprint.generators.vq_vae import VqVae, VqVaeNetwork


def network(width: int = 2, codes: int = 3, shape: tuple[int, int, int] = (1, 8, 8)) -> VqVaeNetwork:
    """Return an untrained VQ-VAE, the same one every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return VqVae(width=width, codes=codes).build(shape)


def test_each_place_takes_the_nearest_code() -> None:
    """Of (0, 0), (1, 0) and (0, 2), the latent (0.6, 0.1) is nearest to the second and (0.4, 1.2) to the third."""
    made = network()
    made.codebook.data = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    latents = torch.zeros(1, 2, 2, 2)
    latents[0, :, 0, 1] = torch.tensor([0.6, 0.1])
    latents[0, :, 1, 0] = torch.tensor([0.4, 1.2])

    nearest, codes = made.nearest(latents), made.quantise(latents)

    assert nearest.tolist() == [[[0, 1], [2, 0]]]
    assert codes[0, :, 0, 1].tolist() == [1, 0]
    assert codes[0, :, 1, 0].tolist() == [0, 2]


def test_the_loss_is_reconstruction_codebook_and_a_quarter_of_commitment() -> None:
    """Against its three terms written out, with the squares averaged over everything."""
    made = network()
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    z = made.encode(images)
    e = made.codebook[(z.movedim(1, -1)[..., None, :] - made.codebook).square().sum(-1).argmin(-1)].movedim(-1, 1)
    error = (made.decoder(e) - (2 * images - 1)).square().mean()
    apart = (z - e).square().mean()

    assert made.loss(images).item() == pytest.approx((error + 1.25 * apart).item(), rel=1e-6)


def test_gradients_pass_straight_through_the_codes() -> None:
    """The encoder gets the decoder's gradient at the codes and a quarter of the pull; codes get the pull alone."""
    made = network()
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    z = made.encode(images)
    e = made.quantise(z).detach().requires_grad_()
    error = F.mse_loss(made.decoder(e), images * 2 - 1)
    (at_codes,) = torch.autograd.grad(error, e)
    pull = 2 * (z - e).detach() / z.numel()
    last = made.encoder[4].branch[3].bias
    assert isinstance(last, torch.Tensor)

    made.loss(images).backward()

    assert last.grad is not None and made.codebook.grad is not None
    # The last bias of the encoder is added to every place as it is.
    torch.testing.assert_close(last.grad, (at_codes + 0.25 * pull).sum((0, 2, 3)), rtol=1e-4, atol=1e-7)
    used = made.nearest(z).flatten()
    expected = torch.zeros_like(made.codebook).index_add_(0, used, -pull.movedim(1, -1).reshape(-1, 2))
    torch.testing.assert_close(made.codebook.grad, expected, rtol=1e-4, atol=1e-7)


def test_codes_that_nothing_is_near_to_are_revived() -> None:
    """After ten steps of training without use they are where latents are; those in use stay, and so does evaluation."""
    made = VqVae(width=2, codes=3, revive=True).build((1, 8, 8))
    images = torch.rand(4, 1, 8, 8)
    latents = made.encode(images).detach().movedim(1, -1).flatten(0, -2)
    far = torch.tensor([[100.0, 100.0], [-100.0, 100.0]])
    made.codebook.data = torch.cat([latents.mean(0, keepdim=True), far])

    for _ in range(9):
        made.loss(images)
    before = made.codebook.detach().clone()
    made.eval().loss(images)
    still = made.codebook.detach().clone()
    made.train().loss(images)

    assert torch.equal(before[1:], far) and torch.equal(still, before)
    assert torch.equal(made.codebook[0], before[0])
    assert all((latents == code).all(1).any() for code in made.codebook[1:])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 12, 20)])
def test_images_of_any_shape_divisible_by_four_come_back(shape: tuple[int, int, int]) -> None:
    """In [0, 1], of their own shape; the grid is a quarter as high and wide."""
    made = network(shape=shape)
    images = torch.rand(3, *shape)

    latents = made.encode(images)
    back = made.decode(latents)

    assert latents.shape[1:] == made.latent_shape == (2, shape[1] // 4, shape[2] // 4)
    assert back.shape == images.shape
    assert back.min() >= 0 and back.max() <= 1


@pytest.mark.parametrize("shape", [(1, 30, 28), (3, 32, 33), (3, 0, 32)])
def test_images_of_other_shapes_are_refused(shape: tuple[int, int, int]) -> None:
    """The message says which sides there may be, and which these are."""
    with pytest.raises(ValueError, match=f"divisible by 4, got {shape[1]} x {shape[2]} pixels; crop or pad"):
        VqVae().build(shape)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"codes": 1}, {"commitment": -1.0}, {"epochs": 0}, {"batch": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, int | float]) -> None:
    """Before anything is built."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VqVae(**wrong)  # type: ignore[arg-type]
