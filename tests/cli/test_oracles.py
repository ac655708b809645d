"""The options of a command become the oracle they name."""

import re
from pathlib import Path

import pytest

from modelprint.cli.oracles import choose_oracle, choose_remote_oracle, parse_pixel_form, preview
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.pixel_form import PixelForm
from modelprint.oracles.remote import RemoteOracle

FILE = Path(__file__).parents[1] / "golden" / "format-1.mprint"


@pytest.fixture
def endpoint(tmp_path: Path) -> Path:
    """A description of an endpoint that nothing listens at."""
    path = tmp_path / "endpoint.yaml"
    path.write_text("endpoint: {kind: open-inference, url: 'http://127.0.0.1:9', model: m, budget: {max_queries: 3}}\n")
    return path


def test_an_endpoint_is_asked_in_the_classes_of_the_file(endpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its ceiling is printed first, unless remarks are not wanted."""
    loaded = Fingerprint.load(FILE)

    oracle = choose_oracle(loaded, endpoint, None, None, None, None, quiet=False)
    choose_remote_oracle(endpoint, None, loaded.class_names, quiet=True)

    assert isinstance(oracle, RemoteOracle)
    assert oracle.labels.class_names == loaded.class_names
    assert capsys.readouterr().err.count("at most 3 requests") == 1


def test_the_input_of_an_onnx_file_is_described_in_one_option() -> None:
    """With the names of the form of pixels."""
    form = parse_pixel_form("values=grey, colours=bgr,mean=103/116/123,std=58.5/57.5/57.25,layout=nhwc")

    assert form == PixelForm(values="grey", colours="bgr", mean=(103, 116, 123), std=(58.5, 57.5, 57.25), layout="nhwc")
    assert parse_pixel_form("mean=0.5").mean == (0.5,)
    assert parse_pixel_form(None) == PixelForm()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names are layout, values, colours, mean, std, got ''"),
        ("grey", "got 'grey'"),
        ("size=3", "got 'size=3'"),
        ("values=grey,values=unit", "got 'values=unit'"),
        ("values=half", "--onnx-input: values: Input should be 'unit' or 'grey'"),
        ("mean=a", "--onnx-input: mean: "),
        ("std=1/2", "--onnx-input: std: expected one number, or one for each"),
        ("mean=1/2/3,std=1", "--onnx-input: mean has 3 numbers and std 1"),
    ],
)
def test_a_wrong_input_of_an_onnx_file_is_explained(text: str, reason: str) -> None:
    """One line that names the key."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_pixel_form(text)


def test_the_input_of_an_onnx_file_needs_one(endpoint: Path) -> None:
    """An endpoint has keys of its own, and a network is known."""
    loaded = Fingerprint.load(FILE)

    for given in ({"endpoint": endpoint, "network": None}, {"endpoint": None, "network": "digits"}):
        with pytest.raises(ValueError, match="--onnx-input belongs to --onnx"):
            choose_oracle(
                loaded, onnx=None, weights=None, image_shape=None, quiet=True, onnx_input="values=grey", **given
            )


def test_a_preview_is_the_first_request(endpoint: Path) -> None:
    """And what a run costs at most; without an endpoint there is none to show."""
    loaded = Fingerprint.load(FILE)

    text = preview(endpoint, loaded.class_names, loaded.samples[0].picture)

    assert text.startswith("POST http://127.0.0.1:9/v2/models/m/infer HTTP/1.1")
    assert text.endswith("# at most 3 requests; nothing was sent")
    with pytest.raises(ValueError, match="needs --endpoint"):
        preview(None, loaded.class_names, loaded.samples[0].picture)


def test_a_network_of_other_classes_is_refused(tmp_path: Path) -> None:
    """The digits network knows ten classes, the file three."""
    import torch

    from modelprint.classifier import Classifier
    from modelprint.loading import save_weights
    from modelprint.networks import NETWORKS

    with torch.random.fork_rng(devices=[]):
        made = NETWORKS["digits"].make(class_count=10, channels=1)
    weights = tmp_path / "digits.safetensors"
    save_weights(Classifier(made, image_shape=(1, 8, 8), class_count=10, name="digits"), weights)

    with pytest.raises(ValueError, match=r"knows 10 classes, but the fingerprint was made for \(1, 8, 8\) and 3"):
        choose_oracle(Fingerprint.load(FILE), None, None, "digits", weights, None, quiet=True)
