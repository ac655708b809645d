"""Controls change how a network computes, and no answer."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.loading import FORM, load_like, save_weights
from modelprint.networks import NETWORKS
from modelprint.networks.forms import InBatches
from modelprint.streams import stream
from modelprint.tamperings import CONTROLS, SUITE, make_suspect
from modelprint.tamperings.control import PermuteChannels, SmallBatches, find_private_links
from modelprint.tensors import to_images


@pytest.mark.parametrize("kind", sorted(CONTROLS))
def test_controls_keep_every_label_and_survive_a_file(
    kind: str, tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """Logits move by rounding only; the suspect read back answers bit for bit as the one written."""
    images = to_images(split.test.pixels)

    suspect = make_suspect(kind, SUITE[kind](), tiny_model, split, seed=1)
    save_weights(suspect.classifier, tmp_path / "s.safetensors", suspect.record())
    loaded, _ = load_like(tiny_model, tmp_path / "s.safetensors")

    torch.testing.assert_close(suspect.classifier.logits(images), tiny_model.logits(images), rtol=0, atol=1e-5)
    assert suspect.movement.labels_changed == 0
    assert suspect.movement.logit_rms < 1e-5
    assert torch.equal(loaded.logits(images), suspect.classifier.logits(images))
    assert (suspect.movement.parameters > 0.1) == (kind == "control-permuted")


@pytest.mark.parametrize(
    ("name", "links"), [("resnet20", 9), ("cnn6", 6), ("vgg11", 8), ("lenet5", 4), ("mlp", 1), ("digits", 2)]
)
def test_channels_are_reordered_wherever_nothing_else_sees_them(name: str, links: int) -> None:
    """Inside each residual block, and between all layers of a plain network; the function stays."""
    architecture = NETWORKS[name]
    torch.manual_seed(0)
    network = architecture.make(class_count=10, channels=architecture.image_shape[0]).eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
                tensor.uniform_(0.5, 1.5)
    images = torch.rand(4, *architecture.image_shape)
    with torch.no_grad():
        before = network(images)
        found = list(find_private_links(network))
        for link in found:
            link.permute(torch.arange(link.width).roll(1))

        assert len(found) == links
        torch.testing.assert_close(network(images), before, rtol=1e-4, atol=1e-4)


class Awkward(nn.Module):
    """Layers whose channels something else sees: an addition, a second call, a linear layer along the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.depthwise, self.third = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 8, 1)
        self.rows, self.linear = nn.Linear(8, 8), nn.Linear(8 * 64, 3)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        x = self.first(images)
        x = self.second(self.second(x + 1))
        x = self.rows(self.third(F.relu(self.depthwise(x))))
        logits: Tensor = self.linear(x.flatten(1))
        return logits


def test_channels_that_something_else_sees_stay() -> None:
    """No link is found; a grouped convolution that mixes within groups is none either."""
    assert list(find_private_links(Awkward())) == []
    assert list(find_private_links(nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1, groups=2)))) == []


def test_a_depthwise_convolution_on_the_way_is_reordered_too() -> None:
    """As in networks for phones."""
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU6(), nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 2, 1))
    images = torch.rand(2, 1, 8, 8)
    before = network(images)

    (link,) = find_private_links(network)
    link.permute(torch.tensor([5, 4, 3, 2, 1, 0]))

    torch.testing.assert_close(network(images), before)


def test_a_network_that_cannot_be_traced_is_left_alone(split: DataSet) -> None:
    """The note says that nothing was reordered."""

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(64, 4)

        def forward(self, images: Tensor) -> Tensor:
            flat = images.flatten(1)
            logits: Tensor = self.linear(flat if flat.sum() > 0 else -flat)
            return logits

    model = Classifier(Branching(), image_shape=(1, 8, 8), class_count=4)

    tampered = PermuteChannels().apply(model, split, stream(0), lambda *_: None)

    assert tampered.notes == "channels reordered in 0 places"


def test_small_batches_are_small(tiny_model: Classifier) -> None:
    """Twenty images in chunks of seven, seven and six."""
    sizes = []
    tiny_model.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))

    InBatches(tiny_model.network, 7)(torch.rand(20, 1, 8, 8))

    assert sizes == [7, 7, 6]
    with pytest.raises(ValueError, match="from 1 to 999999, got 0"):
        SmallBatches(size=0)


@pytest.mark.parametrize("form", ["batch-0", "batch-9999999", "batch-٣", "os.system", "folded "])
def test_a_file_in_an_unknown_form_is_refused(form: str, tiny_model: Classifier, tmp_path: Path) -> None:
    """The form comes from a file and is one of a few."""
    from safetensors.torch import save_file

    save_file(dict(tiny_model.network.state_dict()), tmp_path / "s.safetensors", metadata={FORM: form})

    with pytest.raises(LoadingError, match="there is no form"):
        load_like(tiny_model, tmp_path / "s.safetensors")
