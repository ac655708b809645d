"""A classifier computes in batches that suit its images, has a digest of any state, and can be asked twice."""

import hashlib
import io
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.errors import LoadingError


class Counting(nn.Module):
    """Gives two logits, and remembers how many images came at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        """Note the size of the batch."""
        self.sizes.append(len(images))
        return images.flatten(1)[:, :2]


@pytest.mark.parametrize(("side", "batch"), [(8, 256), (32, 256), (64, 64), (224, 5), (2000, 1)])
def test_batches_are_smaller_for_larger_images(side: int, batch: int) -> None:
    """256 images of 32 by 32 or smaller; always at least one."""
    assert Classifier(nn.Flatten(), image_shape=(3, side, side), class_count=2).batch == batch


def test_logits_are_computed_in_those_batches_unless_told_otherwise() -> None:
    """150 images of 64 by 64 go in three batches; with a size given, in batches of that size."""
    network = Counting()
    model = Classifier(network, image_shape=(1, 64, 64), class_count=2)

    logits = model.logits(torch.zeros(150, 1, 64, 64))
    model.logits(torch.zeros(150, 1, 64, 64), batch=100)

    assert logits.shape == (150, 2)
    assert network.sizes == [64, 64, 22, 100, 50]


class Holding(nn.Module):
    """A network whose state dict has one entry `entry`, a buffer or extra state."""

    def __init__(self, entry: Any) -> None:
        super().__init__()
        self.entry = entry

    def state_dict(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        return {"entry": self.entry}

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2]


def digest(entry: Any) -> str:
    """Return the digest of a classifier with one entry in its state."""
    return Classifier(Holding(entry), image_shape=(1, 2, 2), class_count=2).digest()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.rand(3, 4),
        torch.rand(3, 4).T,
        torch.rand(3, 4)[:, ::2],
        torch.tensor(7),
        torch.empty(0, 3),
        torch.tensor([True, False]),
        torch.rand(3).half(),
        torch.rand(3).double(),
        torch.arange(5, dtype=torch.uint8),
        torch.tensor([1 + 2j, 3 - 1j]),
    ],
)
def test_the_digest_of_an_ordinary_tensor_is_that_of_its_bytes_in_numpy(tensor: Tensor) -> None:
    """Files that were sealed before other kinds were known keep their digests."""
    content = hashlib.sha256(f"entry\x1f{tensor.dtype}\x1f{tuple(tensor.shape)}\x1f".encode())
    content.update(tensor.contiguous().numpy().tobytes())

    assert digest(tensor) == content.hexdigest()


def quantise(values: Tensor, per_channel: bool = False) -> Tensor:
    """Return eight-bit integers with one scale, or with one for each row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not per_channel:
            return torch.quantize_per_tensor(values, 0.1, 0, torch.qint8)
        scales, zeros = (
            torch.full((len(values),), 0.1, dtype=torch.float64),
            torch.zeros(len(values), dtype=torch.int64),
        )
        return torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8)


VALUES = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
ENTRIES = {
    "bfloat16": lambda x: x.bfloat16(),
    "float8": lambda x: x.to(torch.float8_e4m3fn),
    "sparse": lambda x: x.to_sparse(),
    "compressed": lambda x: x.to_sparse_csr(),
    "quantised": quantise,
    "per channel": lambda x: quantise(x, per_channel=True),
    "packed": lambda x: (quantise(x), None, torch.qint8),
    "extra state": lambda x: {"scale": x, "version": 3, "names": ["a", "b"], "type": torch.float16},
    "bytes": lambda x: io.BytesIO(bytes(x.flatten().int().tolist())),
    "conjugate": lambda x: torch.complex(x, x).conj(),
    "negative": lambda x: torch.complex(x, x).conj().imag,
}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("kind", ENTRIES)
def test_every_kind_of_entry_has_a_digest_that_follows_its_values(kind: str) -> None:
    """Equal values give equal digests, and one changed value another one."""
    make = ENTRIES[kind]

    assert digest(make(VALUES.clone())) == digest(make(VALUES.clone()))
    assert digest(make(VALUES)) != digest(make(VALUES + torch.tensor([[0.0, 0.5], [0.0, 0.0]]) * 2))


def test_how_values_are_read_is_part_of_the_digest() -> None:
    """The same integers with another scale, and the same matrix in another layout, are other weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaled = torch.quantize_per_tensor(VALUES * 2, 0.2, 0, torch.qint8)

    assert torch.equal(scaled.int_repr(), quantise(VALUES).int_repr())
    assert digest(scaled) != digest(quantise(VALUES))
    assert len({digest(VALUES), digest(VALUES.to_sparse()), digest([VALUES]), digest({0: VALUES})}) == 4


def test_an_object_of_unknown_content_is_named() -> None:
    """Its digest would be that of an address in memory."""
    with pytest.raises(LoadingError, match=r"classifier: the entry entry\[0\] of its state is a object"):
        digest([object()])


def test_a_quantised_network_has_a_digest() -> None:
    """Its linear layer keeps its weights packed."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        packed = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
    model = Classifier(packed, image_shape=(1, 2, 2), class_count=2)

    assert model.digest() == model.copy().digest()
    assert model.dtype == torch.float32


@pytest.mark.parametrize(
    ("dtype", "computed"),
    [(torch.bfloat16, torch.bfloat16), (torch.float8_e4m3fn, torch.float32), (torch.int8, torch.float32)],
)
def test_images_are_never_rounded_to_integers_or_eight_bits(dtype: torch.dtype, computed: torch.dtype) -> None:
    """A network with such weights converts them itself."""
    network = nn.Flatten()
    network.register_parameter("weight", nn.Parameter(torch.zeros(2).to(dtype), requires_grad=False))

    assert Classifier(network, image_shape=(1, 2, 2), class_count=2).dtype == computed


class Does(nn.Module):
    """Gives the first two pixels after `act` was called on the images."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act = act

    def forward(self, images: Tensor) -> Tensor:
        return self.act(images).flatten(1)[:, :2]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda x: nn.functional.dropout(x, 0.5), "gives the same image different logits; .* dropout"),
        (lambda x: x + torch.rand(()), "gives the same image different logits"),
        (lambda x: x.sub_(0.5), "changes its images in place; .* x = x - mean"),
    ],
)
def test_a_random_or_careless_network_is_found(act: Any, message: str) -> None:
    """Before any work: dropout that is always on, noise, arithmetic in place."""
    model = Classifier(Does(act), image_shape=(1, 4, 4), class_count=2)

    with pytest.raises(LoadingError, match=message):
        model.check_repeatable()


@pytest.mark.parametrize("act", [lambda x: x, lambda x: x * float("nan"), lambda x: x / 0, lambda x: x * 1e30])
def test_a_network_that_repeats_itself_is_none_of_these(act: Any) -> None:
    """Also where its logits are not finite, which is found elsewhere."""
    Classifier(Does(act), image_shape=(1, 4, 4), class_count=2).check_repeatable()


@pytest.mark.parametrize("code", [0, 1])
def test_a_forward_that_ends_the_program_is_an_error(code: int) -> None:
    """0 and 1 are verdicts."""
    model = Classifier(Does(lambda x: sys.exit(code)), image_shape=(1, 4, 4), class_count=2, name="mine:make")

    with pytest.raises(LoadingError, match=f"^mine:make failed: SystemExit: {code}$"):
        model.labels(torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize(
    ("act", "expected"),
    [(lambda x: x, True), (lambda x: x.detach(), False), (lambda x: x.round(), True)],
)
def test_whether_there_is_a_gradient_is_found_without_changing_anything(act: Any, expected: bool) -> None:
    """Rounding has one, of zeros; what is detached has none."""
    assert Classifier(Does(act), image_shape=(1, 2, 2), class_count=2).has_gradient() is expected
