"""More samples come from images that earlier files do not use."""

from dataclasses import replace

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.generation.additions import check_same_model, leave_out
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.methods import Bisection


def test_sources_of_earlier_files_are_left_out(tiny_model: Classifier, split: DataSet) -> None:
    """With the same seed no source and no sample repeats; the provenance says how many images were left out."""
    first, _ = generate(tiny_model, split, Bisection(), count=12, profile="exact", measures=NOTHING)

    second, _ = generate(
        tiny_model, leave_out(split, [first]), Bisection(), count=12, profile="exact", measures=NOTHING
    )

    for part in ("picture", "source"):
        one, other = ({getattr(sample, part).sha256 for sample in made.samples} for made in (first, second))
        assert not one & other
    used = len({sample.source.sha256 for sample in first.samples if sample.source is not None})
    assert second.provenance.data == f"tiny less {used} used"


def test_a_file_without_sources_cannot_be_added_to(tiny_model: Classifier, split: DataSet) -> None:
    """Another seed makes other samples."""
    made, _ = generate(tiny_model, split, Bisection(), count=4, profile="exact", measures=NOTHING)
    bare = replace(made, samples=tuple(replace(sample, source=None) for sample in made.samples))

    with pytest.raises(CraftingError, match="was sealed without sources"):
        leave_out(split, [bare])


def test_used_up_data_are_an_error(tiny_model: Classifier, split: DataSet) -> None:
    """Nothing is left to start from."""
    made, _ = generate(tiny_model, split, Bisection(), count=4, profile="exact", measures=NOTHING)
    tiny = replace(split, train=split.train.take([0]))
    sources = tuple(replace(sample, source=made.samples[0].source) for sample in made.samples)
    one = replace(tiny, train=replace(tiny.train, pixels=sources[0].source.pixels[None]))  # type: ignore[union-attr]

    with pytest.raises(CraftingError, match="all 1 training images of tiny were used"):
        leave_out(one, [replace(made, samples=sources)])


def test_samples_of_another_model_are_not_added(tiny_model: Classifier, split: DataSet) -> None:
    """Two files of one release are of the same weights."""
    made, _ = generate(tiny_model, split, Bisection(), count=4, profile="exact", measures=NOTHING)

    check_same_model([made, made], tiny_model.digest())
    with pytest.raises(CraftingError, match=f"is of model {tiny_model.digest()[:16]}, not of {'ab' * 8}; samples"):
        check_same_model([made], "ab" * 32)
