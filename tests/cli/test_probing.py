"""A probe sends ordinary images, never a sample."""

from pathlib import Path

import numpy as np
import pytest

from modelprint.cli.probing import choose_probe_images
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.oracles.endpoint import Endpoint, parse_endpoint

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = GOLDEN / "format-1.mprint"


@pytest.fixture
def endpoint() -> Endpoint:
    """A description with a label map."""
    labels = {"c": "cat", "d": "dog", "k": "cat"}
    return parse_endpoint(
        {"endpoint": {"kind": "open-inference", "url": "http://127.0.0.1:9", "model": "m", "labels": labels}}
    )


def test_made_up_images_have_the_shape_that_is_asked_for(endpoint: Endpoint) -> None:
    """The same ones every time, unlike each other; classes come from the label map."""
    first, again = (choose_probe_images(endpoint, None, None, (3, 6, 5), 4) for _ in range(2))

    assert [picture.pixels.shape for picture in first.pictures] == [(3, 6, 5)] * 4
    assert [one.sha256 for one in first.pictures] == [one.sha256 for one in again.pictures]
    assert len({one.sha256 for one in first.pictures}) == 4
    assert first.class_names == ("cat", "dog")
    assert first.labels is None


def test_a_fingerprint_gives_shape_and_classes_and_no_sample(endpoint: Endpoint) -> None:
    """Samples are worth nothing once a provider has seen them."""
    loaded = Fingerprint.load(FILE)

    asked = choose_probe_images(endpoint, None, FILE, (3, 32, 32), 3)

    assert asked.class_names == loaded.class_names
    assert {picture.pixels.shape for picture in asked.pictures} == {loaded.preprocessing.image_shape}
    assert not {one.sha256 for one in asked.pictures} & {one.picture.sha256 for one in loaded.samples}


def test_ordinary_images_of_a_file_bring_their_labels(endpoint: Endpoint) -> None:
    """So the agreement to expect is known: all of them."""
    loaded = Fingerprint.load(GOLDEN / "format-3.mprint")

    asked = choose_probe_images(endpoint, None, GOLDEN / "format-3.mprint", (3, 32, 32), 10)

    assert asked.sure
    assert [one.sha256 for one in asked.pictures] == [control.picture.sha256 for control in loaded.controls]
    assert list(asked.labels or ()) == [control.label for control in loaded.controls]


def test_images_of_a_data_set_take_the_classes_in_turn(endpoint: Endpoint, tmp_path: Path) -> None:
    """With their labels; data of other classes than the file's are refused."""
    pixels = np.arange(6 * 64, dtype=np.uint8).reshape(6, 1, 8, 8)
    labels = np.array([0, 0, 0, 1, 1, 2])
    np.savez(
        tmp_path / "d.npz",
        x_train=pixels,
        x_test=pixels,
        y_train=labels,
        y_test=labels,
        class_names=np.array(["a", "b", "c"]),
    )

    asked = choose_probe_images(endpoint, str(tmp_path / "d.npz"), None, (3, 32, 32), 4)

    assert list(asked.labels or ()) == [0, 1, 2, 0]
    with pytest.raises(ValueError, match="has other classes than"):
        choose_probe_images(endpoint, str(tmp_path / "d.npz"), FILE, (3, 32, 32), 4)


def test_a_picture_has_one_or_three_channels(endpoint: Endpoint) -> None:
    """There is no PNG of two."""
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        choose_probe_images(endpoint, None, None, (2, 8, 8), 1)
