from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.calibration import FLOAT32, PROFILES, Profile, float32
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.generation.report import GenerationReport
from modelprint.methods import Bisection, Junction, MiSentry, Natural
from modelprint.methods.method import Card, Crafted, Method
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images
from modelprint.work import Work

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(init=False)
class Scripted:
    """Returns the sources after `change`, and remembers how it was called; its settings are `steps` and `band`."""

    name: ClassVar[str] = "scripted"
    card: ClassVar[Card] = Card(title="Scripted", source="this test", needs=("labels",), cost="nothing")
    steps: Any
    band: Any

    def __init__(
        self,
        *,
        steps: Any = 40,
        band: Any = None,
        change: Callable[[Images, int], Images] = lambda images, call: images,
        unusable: tuple[int, ...] = (),
        notes: dict[str, str] | None = None,
        later_notes: dict[str, str] | None = None,
        origins: tuple[int, ...] | None = None,
    ) -> None:
        self.steps, self.band = steps, band
        self.change, self.unusable, self.origins = change, unusable, origins
        self.notes, self.later_notes = notes or {}, later_notes or {}
        self.calls: list[Pixels] = []
        self.works: list[Work] = []

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        images = self.change(to_images(sources), len(self.calls))
        notes = self.notes | (self.later_notes if self.calls else {})
        self.calls.append(sources)
        self.works.append(work)
        usable = torch.ones(len(images), dtype=torch.bool)
        usable[[index for index in self.unusable if index < len(images)]] = False
        origins = None if self.origins is None else torch.tensor(self.origins)
        return Crafted(images=images, usable=usable, origins=origins, notes=notes)


class Other(Scripted):
    """The same under another name."""

    name: ClassVar[str] = "other"


class Unprintable(Scripted):
    """The same under a name that no file can hold."""

    name: ClassVar[str] = "a\nb"


def sealed(model: Classifier, data: DataSet, method: Method, **others: Any) -> tuple[Fingerprint, GenerationReport]:
    """Generate under the quick profile at a fixed time, unless given otherwise."""
    given = {"profile": "exact", "count": 12, "created": NOON, "measures": NOTHING} | others
    return generate(model, data, method, **given)


def test_a_sample_is_sealed_beside_the_source_that_it_was_made_from(tiny_model: Classifier, split: DataSet) -> None:
    """Two samples of one source name that one, whatever their rows."""
    steps = torch.tensor([0.0, 1.0, 0.0])[:, None, None, None] / 255
    method = Scripted(change=lambda images, call: (images[[1, 1, 0]] + steps).clamp(0, 1), origins=(1, 1, 0))

    fingerprint, _ = sealed(tiny_model, split, method, count=3, allow_fewer=True)

    sources, found = method.calls[0], [sample.source for sample in fingerprint.samples]
    assert {picture.pixels.tobytes() for picture in found if picture} <= {one.tobytes() for one in sources[:2]}
    assert sum(picture is not None and np.array_equal(picture.pixels, sources[1]) for picture in found) >= 1


def test_what_is_sealed_keeps_its_label_when_served_plainly(tiny_model: Classifier, split: DataSet) -> None:
    """Labels, margins and confidences are those of the eight-bit pictures in the file; margins clear the floor."""
    fingerprint, report = sealed(tiny_model, split, Bisection(), count=20, profile="fp32")

    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    logits = tiny_model.double().logits(to_images(pixels, torch.float64))
    gaps = logits.topk(2, dim=1).values
    assert report.kept == len(fingerprint.samples) == 20
    assert tiny_model.labels(to_images(pixels), batch=1).tolist() == [sample.label for sample in fingerprint.samples]
    assert [sample.margin for sample in fingerprint.samples] == pytest.approx((gaps[:, 0] - gaps[:, 1]).tolist())
    assert [s.confidence for s in fingerprint.samples] == pytest.approx(logits.softmax(1).amax(1).tolist())
    assert min(sample.margin for sample in fingerprint.samples) >= 3 * report.floor > 0
    assert fingerprint.profile.name == "fp32"
    assert fingerprint.profile.floor == report.floor == max(fingerprint.profile.variants.values())


def test_a_margin_below_the_noise_is_pointed_out_before_crafting(
    tiny_model: Classifier, split: DataSet, caplog: pytest.LogCaptureFixture
) -> None:
    """Near ties lose their label when they are served in another way."""
    said: list[str] = []

    def note(images: Images, call: int) -> Images:
        said.extend(caplog.messages)
        return images

    generate(tiny_model, split, Scripted(change=note), count=2, profile="exact", multiple=0.0, measures=NOTHING)
    generate(tiny_model, split, Scripted(change=note), count=2, profile="exact", multiple=1.0, measures=NOTHING)

    assert len(said) == len(caplog.messages) * 2 == 2
    assert said[0].startswith("margins of 0 logits are asked for, but profile exact moves them by up to ")


def test_every_crafted_sample_is_accounted_for(tiny_model: Classifier, split: DataSet) -> None:
    """Given up, lost, repeated, spare and kept add up to crafted."""

    def change(images: Images, call: int) -> Images:
        images = images.clone()
        images[2] = images[3]  # repeated
        images[4, 0, 0, 0] = torch.nan  # given up by its values
        return images

    method = Scripted(change=change, unusable=(0, 1))

    fingerprint, report = sealed(tiny_model, split, method, count=12)

    assert (report.given_up, report.duplicates, report.rounds) == (6, 2, 2)
    lost = report.given_up + report.lost_rounding + report.duplicates + report.lost_steadiness
    assert lost + report.spare + report.kept == report.crafted == sum(len(call) for call in method.calls)
    assert (fingerprint.provenance.crafted, fingerprint.provenance.lost_rounding) == (report.crafted, 0)


def test_a_label_that_rounding_changes_is_lost_to_rounding(split: DataSet) -> None:
    """Label 1 where the first pixel is above half a grey level: rounding 0.6 levels gives 1, rounding 0.4 gives 0."""
    model = threshold_classifier(at=0.7)
    levels = torch.tensor([0.6, 0.4, 0.6, 1.0, 0.0, 2.0]) / 255

    def change(images: Images, call: int) -> Images:
        images = torch.linspace(0, 0.5, len(images))[:, None, None, None].expand_as(images).clone()
        images[:, 0, 0, 0] = levels
        return images

    with pytest.raises(CraftingError, match="2 lost to rounding"):
        sealed(model, only_two_classes(split), Scripted(change=change), count=6)


def threshold_classifier(at: float) -> Classifier:
    """Label 1 where the first pixel is above `at` grey levels."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].weight[1, 0] = 255
        network[1].bias.copy_(torch.tensor([at, 0.0]))
    return Classifier(network, image_shape=(1, 8, 8), class_count=2, name="threshold")


def only_two_classes(data: DataSet) -> DataSet:
    """Six training images of two classes."""
    parts = {
        part: replace(getattr(data, part).take(range(6)), labels=np.arange(6) % 2, class_names=("dark", "bright"))
        for part in ("train", "test")
    }
    return replace(data, **parts)


def test_unsteady_samples_are_lost_to_steadiness(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gives class 0 a logit more leaves only samples that are three logits from any change."""

    def generous(forms: Any, images: Images) -> torch.Tensor:
        return float32(forms, images) + torch.tensor([1.0, 0.0, 0.0, 0.0])

    variants = {**PROFILES["exact"].variants, "generous": generous}
    monkeypatch.setitem(PROFILES, "rough", Profile(name="rough", variants=variants))

    fingerprint, report = sealed(tiny_model, split, Natural(), count=64, profile="rough", allow_fewer=True)

    assert report.floor == pytest.approx(1.0, abs=1e-4)
    assert report.lost_steadiness > 0
    assert report.kept + report.lost_steadiness == 64
    assert min(sample.margin for sample in fingerprint.samples) >= 3 * report.floor
    assert fingerprint.provenance.lost_steadiness == report.lost_steadiness


def test_what_is_missing_is_crafted_again_from_other_sources(tiny_model: Classifier, split: DataSet) -> None:
    """A method that gives up on a third of its sources is asked again, for a quarter more than are missing."""
    method = Scripted(unusable=(0, 1, 2, 3))

    fingerprint, report = sealed(tiny_model, split, method, count=12)

    # 8 of 12 are kept, 4 are missing: 1.25 x 4 / (8 / 12) = 7.5, of which 4 are given up; and so on.
    assert [len(call) for call in method.calls[:2]] == [12, 8]
    used = np.concatenate(method.calls)
    assert len(np.unique(used.reshape(len(used), -1), axis=0)) == len(used)
    assert (report.rounds, report.kept, len(fingerprint.samples)) == (len(method.calls), 12, 12)


def test_too_few_samples_are_an_error_that_says_what_to_do(tiny_model: Classifier, split: DataSet) -> None:
    """After four rounds the counts and two ways out are in the message."""
    with pytest.raises(CraftingError, match=r"only \d of 12 samples .* given up.*ask for fewer samples"):
        sealed(tiny_model, split, Scripted(unusable=tuple(range(7)), change=lambda x, call: x[:1].expand_as(x).clone()))


def test_fewer_can_be_allowed(tiny_model: Classifier, split: DataSet) -> None:
    """Then what there is gets sealed, even when there are fewer sources than samples asked for."""
    fingerprint, report = sealed(tiny_model, split, Natural(), count=1000, allow_fewer=True)

    assert report.crafted == len(split.train) == 64
    assert len(fingerprint.samples) == report.kept > 50


def test_no_sample_at_all_is_an_error_even_then(tiny_model: Classifier, split: DataSet) -> None:
    """There is no empty fingerprint."""
    method = Scripted(change=lambda images, call: images * torch.nan)

    with pytest.raises(CraftingError, match="only 0 of 12"):
        sealed(tiny_model, split, method, allow_fewer=True)


def test_too_few_sources_are_an_error(tiny_model: Classifier, split: DataSet) -> None:
    """The message has both numbers."""
    with pytest.raises(CraftingError, match="65 source images are needed but tiny holds 64"):
        sealed(tiny_model, split, Natural(), count=65)


def test_any_prefix_of_a_fingerprint_covers_its_classes_evenly(tiny_model: Classifier, split: DataSet) -> None:
    """Among the first eight samples of four classes each label comes twice."""
    fingerprint, _ = sealed(tiny_model, split, Natural(), count=40)

    assert set(Counter(sample.label for sample in fingerprint.samples[:8]).values()) == {2}


def test_equal_arguments_give_equal_files(tiny_model: Classifier, split: DataSet) -> None:
    """The same seed repeats every byte, another seed starts from other images."""
    first, again = (sealed(tiny_model, split, Bisection(), seed=5)[0] for _ in range(2))
    other, _ = sealed(tiny_model, split, Bisection(), seed=6)

    assert first.digest == again.digest
    assert first.samples != other.samples


def test_a_sample_lies_beside_its_source(tiny_model: Classifier, split: DataSet) -> None:
    """After dropping, joining rounds and reordering, each picture still has the source it was made from."""
    brighter = Scripted(change=lambda images, call: (images + 3 / 255).clamp(max=1), unusable=(1, 3, 4))

    fingerprint, report = sealed(tiny_model, split, brighter, count=12)

    assert report.rounds > 1
    for sample in fingerprint.samples:
        assert sample.source is not None
        assert (sample.picture.pixels == np.minimum(sample.source.pixels.astype(int) + 3, 255)).all()


def test_the_file_says_how_it_came_to_be(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Method, settings, seed, digests, time in UTC and notes are there, and the file can be read again."""
    method = Scripted(notes={"zoo": "fifteen models"}, band=(10, 90))
    created = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))

    fingerprint, _ = sealed(tiny_model, split, method, seed=7, created=created)

    fingerprint.save(tmp_path / "tiny.mprint")
    made = Fingerprint.load(tmp_path / "tiny.mprint").provenance
    assert (made.method, made.seed, made.network, made.data) == ("scripted", 7, "tiny", "tiny")
    assert made.settings == {"steps": 40, "band": [10, 90]}
    assert (made.model_sha256, made.data_sha256) == (tiny_model.digest(), split.digest)
    assert made.created == "2026-01-31T12:00:00Z"
    assert made.notes == {"zoo": "fifteen models"}


def test_absent_variants_and_notes_of_later_rounds_are_told(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be measured is in the notes and in the summary; a note that changes is kept per round."""

    def fails(forms: Any, images: Images) -> torch.Tensor:
        raise RuntimeError("no such device")

    monkeypatch.setitem(PROFILES, "odd", Profile(name="odd", variants={**PROFILES["exact"].variants, "other": fails}))
    method = Scripted(unusable=(0,), notes={"zoo": "first"}, later_notes={"zoo": "later"})

    fingerprint, report = sealed(tiny_model, split, method, profile="odd")

    assert fingerprint.provenance.notes == {
        "zoo": "first",
        "zoo (round 1)": "later",
        "not measured: other": "RuntimeError: no such device",
    }
    assert "not measured other (RuntimeError: no such device)" in report.summary()


def test_the_model_stays_as_it_was(tiny_model: Classifier, split: DataSet) -> None:
    """Generating changes no weight."""
    before = tiny_model.digest()

    sealed(tiny_model, split, Bisection())

    assert tiny_model.digest() == before


def test_a_classifier_out_of_reach_of_float64_is_told_in_the_notes(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels are then those of float32, one image at a time."""

    def refuse(self: Classifier) -> Classifier:
        raise TypeError("frozen graph")

    monkeypatch.setattr(Classifier, "double", refuse)

    fingerprint, _ = sealed(tiny_model, split, Natural())

    notes = fingerprint.provenance.notes
    assert notes["reference"].startswith(FLOAT32)
    assert notes["not measured: float64"] == "TypeError: frozen graph"


def cast_model(model: Classifier, dtype: torch.dtype) -> Classifier:
    """Return a copy of `model` in another type."""
    cast = model.copy()
    return cast.with_network(cast.network.to(dtype))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_network_of_half_precision_is_sealed_by_a_method_with_gradients(
    dtype: torch.dtype, tiny_model: Classifier, split: DataSet
) -> None:
    """Crafted in float32; every sealed label is the one that the network itself gives."""
    half = cast_model(tiny_model, dtype)

    made = {"count": 4, "profile": "exact", "allow_fewer": True, "measures": NOTHING}
    fingerprint, _ = generate(half, split, Junction(k=(2,)), **made)

    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    assert half.labels(to_images(pixels), batch=1).tolist() == [sample.label for sample in fingerprint.samples]
    assert f"{str(dtype).removeprefix('torch.')}, as given" in fingerprint.profile.variants


class Detached(nn.Module):
    """A network whose logits have no gradient by the images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images).detach()


def test_a_network_without_gradients_is_explained(tiny_model: Classifier, split: DataSet) -> None:
    """To a method that needs them; one that needs none is content."""
    stopped = tiny_model.with_network(Detached(tiny_model.network))

    with pytest.raises(CraftingError, match=r"has no gradients by its images, .* but misentry needs them; seal the"):
        generate(stopped, split, MiSentry(steps=2), count=4, profile="exact")

    assert len(generate(stopped, split, Natural(), count=4, profile="exact", measures=NOTHING)[0].samples) == 4


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_torchscript_network_is_explained(tiny_model: Classifier, split: DataSet) -> None:
    """It can be asked, but not cast and differentiated twice."""
    scripted = tiny_model.with_network(torch.jit.script(tiny_model.copy().network))

    with pytest.raises(CraftingError, match=r"is TorchScript, .* let the factory return the module itself"):
        generate(scripted, split, Junction(k=(2,)), count=4, profile="exact")


def test_an_interrupted_call_goes_on_with_the_next_round(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """Ctrl-C in the second round loses nothing of the first, and the result is as if nothing had happened."""

    def stop(images: Images, call: int) -> Images:
        if call == 1:
            raise KeyboardInterrupt
        return images

    work = Work(folder=tmp_path)
    undisturbed, _ = sealed(tiny_model, split, Scripted(unusable=(0,), notes={"zoo": "é"}))
    with pytest.raises(KeyboardInterrupt):
        sealed(tiny_model, split, Scripted(change=stop, unusable=(0,), notes={"zoo": "é"}), work=work)
    method = Scripted(unusable=(0,), notes={"zoo": "é"})

    resumed, report = sealed(tiny_model, split, method, work=work)

    assert report.rounds == 2
    assert len(method.calls) == 1
    assert len(method.calls[0]) < 12
    assert resumed.digest == undisturbed.digest


def test_a_finished_call_is_repeated_without_crafting(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """All rounds are taken from the folder."""
    work = Work(folder=tmp_path)
    first, _ = sealed(tiny_model, split, Scripted(), work=work)
    method = Scripted()

    again, _ = sealed(tiny_model, split, method, work=work)

    assert not method.calls
    assert again.digest == first.digest


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"count": 11}, {"method": Scripted(steps=2)}, {"method": Other()}, {"profile": "fp32"}],
    ids=["seed", "count", "settings", "method", "profile"],
)
def test_rounds_of_another_call_are_not_taken_up(
    other: dict[str, Any], tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """The state in the folder belongs to one model, data set, method, settings, seed, count and profile."""
    work = Work(folder=tmp_path)
    sealed(tiny_model, split, Scripted(), work=work)
    changed = {"method": Scripted(), "work": work} | other

    sealed(tiny_model, split, **changed)

    assert changed["method"].calls


def test_rounds_of_another_model_are_not_taken_up(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """One changed weight is another model."""
    work = Work(folder=tmp_path)
    sealed(tiny_model, split, Scripted(), work=work)
    with torch.no_grad():
        tiny_model.head.bias[0] += 1e-3
    method = Scripted()

    sealed(tiny_model, split, method, work=work)

    assert method.calls


def test_each_round_of_a_method_has_a_folder_and_the_identity_of_the_call(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """So unfinished state of one round is never taken for that of another."""
    method = Scripted(unusable=(0,))

    sealed(tiny_model, split, method, work=Work(folder=tmp_path))

    assert [work.folder for work in method.works] == [tmp_path / "round-0", tmp_path / "round-1"]
    assert len({work.identity for work in method.works}) == 1
    assert len(method.works[0].identity) == 64


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "count is 1 to 10000"),
        ({"profile": "fp33"}, "no profile 'fp33'; choose one of exact, fp32"),
        ({"seed": -1}, "seed"),
        ({"multiple": float("nan")}, "multiple"),
        ({"measures": replace(NOTHING, expected_flip_rate=1.0)}, "expected_flip_rate"),
        ({"releases": (), "measures": replace(NOTHING, preprocessing=("a\nb",))}, "printable"),
        ({"method": Scripted(steps=object())}, "settings of scripted cannot be written as JSON"),
        ({"method": Unprintable()}, "cannot be printed"),
        ({"created": datetime(2026, 1, 31)}, "no time zone"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_arguments_no_file_can_hold_are_refused_before_any_work(
    wrong: dict[str, Any], said: str, tiny_model: Classifier, split: DataSet
) -> None:
    """A wrong argument is a ValueError at once, not after an hour of crafting."""
    given = {"method": Scripted()} | wrong

    with pytest.raises(ValueError, match=said):
        sealed(tiny_model, split, **given)

    assert not given["method"].calls


def test_data_of_another_shape_are_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Both shapes are in the message."""
    model = Classifier(tiny_model.network, image_shape=(3, 8, 8), class_count=4, name="colourful")

    with pytest.raises(CraftingError, match=r"colourful takes images of shape \(3, 8, 8\)"):
        sealed(model, split, Natural())


def test_data_of_other_classes_are_refused(tiny_model: Classifier, split: DataSet) -> None:
    """Both counts are in the message."""
    model = Classifier(tiny_model.network, image_shape=(1, 8, 8), class_count=5, name="finer")

    with pytest.raises(CraftingError, match="finer knows 5 classes, but tiny has 4"):
        sealed(model, split, Natural())


def test_what_is_rounded_by_search_stands_where_the_floats_stood(tiny_model: Classifier, split: DataSet) -> None:
    """Halves of grey levels: the gap between the leading classes of each sample is that of its float image."""
    made: list[Images] = []

    def change(images: Images, call: int) -> Images:
        made.append((images * 255 + 0.5).clamp(0, 254.5) / 255)
        return made[-1]

    method = Scripted(change=change)
    fingerprint, report = sealed(tiny_model, split, method, count=3, allow_fewer=True, rounding="search")
    plain, usual = sealed(tiny_model, split, Scripted(change=change), count=3, allow_fewer=True)

    tops = tiny_model.double().logits(made[0].double()).topk(2, dim=1).values
    wanted = sorted((tops[:, 0] - tops[:, 1]).tolist())
    assert report.searched == 3
    assert report.residual_search < report.residual_nearest / 20
    assert "search       3 rounded by it" in report.summary()
    assert fingerprint.provenance.notes["search"] == report.rounding_note["search"]
    assert sorted(sample.margin for sample in fingerprint.samples) == pytest.approx(wanted, abs=1e-3)
    assert (usual.searched, usual.rounding_note, dict(plain.provenance.notes)) == (0, {}, {})


def test_images_that_are_eight_bit_already_are_not_searched_for(tiny_model: Classifier, split: DataSet) -> None:
    """The file is the same, bit for bit."""
    both = [sealed(tiny_model, split, Bisection(), count=4, rounding=name)[0] for name in ("nearest", "search")]

    assert both[0].digest == both[1].digest


def test_a_search_that_was_interrupted_goes_on(tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """What was crafted is not crafted again, and the file is that of a call without an interruption."""
    change = lambda images, call: images * 0.97 + 0.01  # noqa: E731 - a stand-in for a method's work

    def stop(label: str, done: int, total: int) -> None:
        if label == "rounding by search" and done == 10:
            raise KeyboardInterrupt

    method, given = Scripted(change=change), {"count": 12, "rounding": "search"}
    with pytest.raises(KeyboardInterrupt):
        sealed(tiny_model, split, method, work=Work(folder=tmp_path, progress=stop), **given)
    fingerprint, _ = sealed(tiny_model, split, method, work=Work(folder=tmp_path), **given)

    assert fingerprint.digest == sealed(tiny_model, split, Scripted(change=change), **given)[0].digest
    assert not np.array_equal(method.calls[-1], method.calls[0]) or len(method.calls) == 1


def test_a_way_of_rounding_that_there_is_not_is_refused(tiny_model: Classifier, split: DataSet) -> None:
    """The message says which there are."""
    with pytest.raises(ValueError, match="rounding is nearest or search, got 'up'"):
        sealed(tiny_model, split, Natural(), rounding="up")


def test_scores_are_sealed_with_their_floor(tiny_model: Classifier, split: DataSet) -> None:
    """Log-probabilities of samples and controls in float64, how far float32 moves them, and p0 from 300 answers."""
    measures = replace(NOTHING, ordinary=20, controls=2, any_accuracy=True, scores=True, noise_answers=300)

    fingerprint, report = sealed(tiny_model, split, Bisection(), count=8, measures=measures)

    scores = fingerprint.scores
    assert scores is not None
    pixels = np.stack([one.picture.pixels for one in (*fingerprint.samples, *fingerprint.controls)])
    logs = tiny_model.double().logits(to_images(pixels, torch.float64)).log_softmax(1)
    plain = tiny_model.logits(to_images(pixels), batch=1).double().log_softmax(1)
    found = torch.tensor([one.logs for one in (*scores.samples, *scores.controls)], dtype=torch.float64)
    assert (len(scores.samples), len(scores.controls)) == (8, len(fingerprint.controls))
    assert found.numpy() == pytest.approx(logs.numpy())
    assert scores.floor == pytest.approx(max(1e-7, float((plain - logs)[:8].abs().max())), rel=1e-3)
    assert scores.answers >= 300
    assert scores.differ_rate == pytest.approx(1 - 0.05 ** (1 / scores.answers))
    assert len(scores.null) == 8
    assert report.rates is not None
    assert "noise floor" in str(report.rates.scores)


def test_scores_are_left_out_when_nothing_is_measured(tiny_model: Classifier, split: DataSet) -> None:
    """As benchmarks seal."""
    fingerprint, _ = sealed(tiny_model, split, Bisection(), count=8)

    assert fingerprint.scores is None
