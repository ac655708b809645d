"""From the weights of a classifier to a fingerprint: labels are steady when their margins exceed the noise of serving.

    fingerprint, report = generate(model, data, Bisection(), count=100)
    print(report.summary())
    fingerprint.save("release.mprint")

Images are rounded to eight bits first; what is labelled, measured and sealed are eight-bit pixels.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import rfc8785
import torch
from jaxtyping import Bool
from torch import Tensor

from modelprint.calibration import FLOAT64, Forms, Noise, Profile, find_profile, join, measure, reference_labels
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.parts import Preprocessing, ProfileRecord, Release
from modelprint.fingerprint.provenance import provenance_of
from modelprint.generation.by_weights import label_ordinary, measure_file, name_preprocessings
from modelprint.generation.loop import Judgement, Request, seal_blank, seal_selection, select_samples
from modelprint.generation.measures import FLIP_RATE, Measures, summarise
from modelprint.generation.releases import KnownRelease, check_releases, label_releases
from modelprint.generation.report import GenerationReport
from modelprint.generation.rounding import Rounded, Rounding, find_radii, parse_rounding, round_by_search, round_nearest
from modelprint.generation.sensitivity import LARGEST
from modelprint.methods.method import Crafted, Method, read_settings
from modelprint.networks.normalise import Normalised
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images
from modelprint.work import Work

__all__ = ["GenerationReport", "generate"]

log = logging.getLogger(__name__)


def generate(
    model: Classifier,
    data: DataSet,
    method: Method,
    *,
    count: int,
    profile: str = "fp32",
    seed: int = 0,
    multiple: float = 3.0,
    rounding: str = "nearest",
    allow_fewer: bool = False,
    releases: Sequence[KnownRelease] = (),
    measures: Measures = Measures(),  # noqa: B008 - frozen, so one for all calls is right
    work: Work = Work(),  # noqa: B008 - frozen, so one for all calls is right
    created: datetime | None = None,
) -> tuple[Fingerprint, GenerationReport]:
    """Craft samples of `model` with `method` and seal those whose labels honest serving cannot change.

    1. Seal a blank sample, so that arguments no file can hold are refused before any work, and compare the labels of
       ordinary images with those of the data.
    2. Pick source images from the training part, classes in turn, none of them twice, and measure their noise.
    3. Craft; drop what the method gave up on.
    4. Round to eight bits and label in float64; drop a sample whose label rounding changed, or whose pixels repeat.
    5. Measure the noise of the samples, take the floor over them and the sources, and keep the steady ones.
    6. Craft again what is missing, in up to four rounds. Every round counts with the floor of all.
    7. Put the samples in an order that takes the labels in turn, and label them by every release.
    8. Measure the two flip rates and what else the file says, and seal.

    A finished round is kept in the folder of `work`, so that an interrupted call continues with the next round when it
    is repeated; the method keeps its own unfinished state in a folder for each round below it.

    Args:
        model: The classifier to protect; left as it is.
        data: What it was trained and tested on.
        method: How to craft; the file has its name and all its settings.
        count: How many samples to seal.
        profile: Name of a serving profile, as `find_profile` knows it.
        seed: Equal arguments give equal samples, bit for bit, on one machine.
        multiple: Smallest margin, in noise floors.
        rounding: "nearest" grey levels, or "search" for levels that keep the logits of the float images.
        allow_fewer: Seal fewer than `count` samples when there are no more, instead of raising an error.
        releases: Other models whose labels the file is to carry.
        measures: What else to measure and to seal; NOTHING for the samples alone.
        work: Progress and resumption; its identity is replaced by a hash of everything the samples depend on.
        created: Time for the file; now by default.

    Returns:
        The fingerprint, and what became of every crafted sample.

    Raises:
        ValueError: An argument is out of range or cannot be written to a file.
        LoadingError: The model gives the same image different logits, or changes the images that it is given.
        CraftingError: There are too few source images or too few steady samples, the model does not fit the labels of
            the data, or the samples see too little; says how many and what to do.
    """
    provenance = provenance_of(
        model.name, model.digest(), data, method.name, read_settings(method), seed, created or datetime.now(UTC)
    )
    given = measures.expected_flip_rate
    outside = (model.network.mean, model.network.std) if isinstance(model.network, Normalised) else None
    request = Request(
        data=data,
        count=count,
        seed=seed,
        expected_flip_rate=LARGEST if given is None else given,
        allow_fewer=allow_fewer,
        provenance=provenance,
        preprocessing_note=Preprocessing.note if outside is None else "normalised outside the network",
        normalisation=outside,
    )
    _check_fit(model, data)
    model.check_repeatable()
    check_releases(model, releases)
    serving, rounded_by = find_profile(profile), parse_rounding(rounding)
    names = [Release(name=one.name, labels=(0,), precision=one.precision) for one in releases]
    seal_blank(request, _profile_record(serving, multiple), names + name_preprocessings(measures))  # (1)
    forms = Forms(model, data.train.pixels)
    ordinary = label_ordinary(forms, data, measures, seed)
    steadiness = ByMargin(forms, request, method, profile=serving, multiple=multiple, rounding=rounded_by, work=work)
    selection = select_samples(request, steadiness)  # (2) to (6)
    report = GenerationReport(**{**selection.counts, **steadiness.collect_facts()})
    labelled = label_releases(  # (7)
        releases,
        np.stack([sample.picture.pixels for sample in selection.samples]),
        natural=data.train.pixels,
        profile=serving,
        multiple=multiple,
        progress=work.progress,
    )
    noise = steadiness.join_noise()
    measured = measure_file(  # (8)
        forms,
        data,
        selection.samples,
        noise,
        steadiness.candidate_rows()[list(selection.rows)].tolist(),
        profile=serving,
        multiple=multiple,
        measures=measures,
        ordinary=ordinary,
        seed=seed,
        progress=work.progress,
    )
    fingerprint = seal_selection(
        replace(request, expected_flip_rate=measured.expected_flip_rate),
        selection,
        _profile_record(serving, multiple, noise, measured.flip_rate),
        notes=steadiness.collect_notes() | report.rounding_note | measured.notes(),
        releases=(*labelled, *measured.preprocessings),
        blocks=measured.blocks(),
    )
    rates = summarise(measured, len(selection.samples), len(labelled))
    return fingerprint, replace(report, separations=fingerprint.separations, rates=rates)


def _check_fit(model: Classifier, data: DataSet) -> None:
    """Raise CraftingError when `model` cannot take the images, or does not have the classes, of `data`."""
    if data.image_shape != model.image_shape:
        raise CraftingError(
            f"{model.name} takes images of shape {model.image_shape}, but those of {data.name} have {data.image_shape}"
        )
    if len(data.class_names) != model.class_count:
        raise CraftingError(
            f"{model.name} knows {model.class_count} classes, but {data.name} has {len(data.class_names)}"
        )


def _profile_record(
    profile: Profile, multiple: float, noise: Noise | None = None, flip_rate: float = FLIP_RATE
) -> ProfileRecord:
    """Return the profile as the file has it, with `noise` and the flip rate once they have been measured."""
    return ProfileRecord(
        name=profile.name,
        floor=noise.floor if noise else 0.0,
        multiple=multiple,
        flip_rate=flip_rate,
        variants=noise.shifts if noise else {},
    )


class ByMargin:
    """Steadiness by margin: in every way of serving, the label leads by a multiple of the noise floor."""

    def __init__(
        self,
        forms: Forms,
        request: Request,
        method: Method,
        *,
        profile: Profile,
        multiple: float,
        rounding: Rounding,
        work: Work,
    ) -> None:
        """Take the parts; see `generate`."""
        self._forms, self._request, self._method = forms, request, method
        self._profile, self._multiple, self._rounding = profile, multiple, rounding
        self._work = replace(work, identity=self._identify())
        # Of each round: the noise of the candidates followed by that of the sources; how many candidates; and so on.
        self._noises: list[Noise] = []
        self._candidate_counts: list[int] = []
        self._rounded: list[Rounded] = []
        self._notes: list[Mapping[str, str]] = []

    def craft(self, sources: Pixels, index: int) -> Crafted:
        """Measure the noise of `sources`, and run the method on them, or load what an interrupted call made of them."""
        self._noises.append(measure(self._forms, sources, self._profile, progress=self._work.progress))
        self._candidate_counts.append(0)
        floor = max(noise.floor for noise in self._noises)
        margin = self._multiple * floor
        if index == 0 and margin < floor:
            log.warning(
                "margins of %.3g logits are asked for, but profile %s moves them by up to %.3g: samples nearer to a "
                "tie, as junction makes them, are lost; give a larger multiple, or junction the setting margin",
                margin,
                self._profile.name,
                floor,
            )
        self._work = replace(self._work, margin=margin)
        crafted = self._load(sources, index)
        if crafted is None:
            crafted = self._craft(sources, index)
            self._save(crafted, sources, index)
        self._notes.append(crafted.notes)
        return crafted

    def round(self, images: Images, origins: Pixels, index: int) -> tuple[Pixels, Bool[np.ndarray, " n"]]:
        """Return the images as eight-bit pixels, and which of them kept their label in float64."""
        if self._rounding == "nearest":
            rounded = round_nearest(images)
        else:
            radii, work = find_radii(self._method, to_images(origins)), self._work_of_round(index)
            seed = self._request.seed
            rounded = round_by_search(self._forms.crafted_on, images, origins, radii=radii, seed=seed, work=work)
        self._rounded.append(rounded)
        before = reference_labels(self._forms, images)
        after = reference_labels(self._forms, to_images(rounded.pixels, torch.float64))
        return rounded.pixels, (before == after).numpy()

    def observe(self, pixels: Pixels) -> None:
        """Measure the noise of candidates."""
        if len(pixels):
            noise = measure(self._forms, pixels, self._profile, progress=self._work.progress)
            self._noises[-1] = join([noise, self._noises[-1]])
            self._candidate_counts[-1] = len(pixels)

    def judge(self) -> Judgement:
        """Judge all candidates by the floor over all candidates and sources."""
        noise, rows = self.join_noise(), self.candidate_rows()
        return Judgement(
            labels=noise.labels[rows],
            steady=noise.find_steady(self._multiple)[rows],
            margins=noise.margins[rows],
            confidences=noise.confidences[rows],
        )

    def label_sources(self, sources: Pixels) -> list[int | None]:
        """Return the classes that the reference gives them."""
        return [int(label) for label in reference_labels(self._forms, to_images(sources, torch.float64))]

    def explain_loss(self) -> str:
        """Name the profile and its noise floor."""
        floor = self.join_noise().floor
        return f"not steady under profile {self._profile.name} with its noise floor of {floor:.3g} logits"

    def join_noise(self) -> Noise:
        """Join what has been measured of candidates and sources."""
        return join(self._noises)

    def collect_facts(self) -> dict[str, Any]:
        """Return the fields of GenerationReport other than the counts: the noise, and how a search changed the gaps."""
        noise = self.join_noise()
        facts = {"floor": noise.floor, "multiple": self._multiple, "absent": noise.absent}
        nearest = torch.cat([rounded.nearest for rounded in self._rounded])
        search = torch.cat([rounded.search for rounded in self._rounded])
        if not len(search):
            return facts
        medians = {"residual_nearest": nearest.median().item(), "residual_search": search.median().item()}
        return facts | {"searched": len(search), **medians}

    def collect_notes(self) -> dict[str, str]:
        """Return the notes of the method, per round where they differ, and what could not be measured."""
        notes: dict[str, str] = {}
        for index, found in enumerate(self._notes):
            for name, text in found.items():
                if notes.setdefault(name, text) != text:
                    notes[f"{name} (round {index})"] = text
        noise = self.join_noise()
        if noise.reference_name != FLOAT64:
            notes["reference"] = f"{noise.reference_name}, because the classifier cannot be computed in float64"
        return notes | {f"not measured: {name}": reason for name, reason in noise.absent.items()}

    def _craft(self, sources: Pixels, index: int) -> Crafted:
        """Run the method; CraftingError when it fails because of what the network is made of."""
        model, data, seed = self._forms.crafted_on, self._request.data, self._request.seed
        try:
            return self._method.craft(model, data, sources, seed, self._work_of_round(index))
        except RuntimeError as problem:
            if any(isinstance(module, torch.jit.ScriptModule) for module in model.network.modules()):
                reason = "is TorchScript, which cannot be cast and folded; let the factory return the module itself"
            elif not model.has_gradient():
                reason = (
                    f"has no gradients by its images, as int8 layers have none, but {self._method.name} needs them; "
                    "seal the network as it was before quantisation, or choose a method that needs labels only"
                )
            else:
                raise
            raise CraftingError(f"{model.name} {reason}") from problem

    def candidate_rows(self) -> Tensor:
        """Return the rows of the joined noise that belong to candidates, in their order."""
        counts = zip(self._noises, self._candidate_counts, strict=True)
        return torch.cat([torch.arange(len(noise.labels)) < count for noise, count in counts]).nonzero()[:, 0]

    def _identify(self) -> str:
        """Return the hash of everything the crafted images depend on."""
        request, made = self._request, self._request.provenance
        facts: list[Any] = [made.version, made.model_sha256, made.data_sha256, made.method, made.settings]
        facts += [made.seed, request.count, self._profile.name, self._multiple, request.allow_fewer]
        facts += [] if self._rounding == "nearest" else [self._rounding]
        facts += [] if request.normalisation is None else [list(map(list, request.normalisation))]
        return hashlib.sha256(rfc8785.dumps(facts)).hexdigest()

    def _load(self, sources: Pixels, index: int) -> Crafted | None:
        """Return what an interrupted call crafted from the same sources, if it did."""
        saved = self._work.resume(_round_name(index))
        if "origins" not in saved or not np.array_equal(saved["sources"].numpy(), sources):
            return None
        notes = json.loads(saved["notes"].numpy().tobytes())
        return Crafted(images=saved["images"], usable=saved["usable"], origins=saved["origins"], notes=notes)

    def _save(self, crafted: Crafted, sources: Pixels, index: int) -> None:
        notes = torch.tensor(list(json.dumps(dict(crafted.notes)).encode()), dtype=torch.uint8)
        images = {"images": crafted.images.detach(), "sources": torch.from_numpy(sources)}
        state = {**images, "usable": crafted.usable, "origins": crafted.rows, "notes": notes}
        self._work.save(_round_name(index), state)

    def _work_of_round(self, index: int) -> Work:
        """Return the work of one round, which keeps unfinished state in a folder of its own."""
        return replace(self._work, folder=self._work.folder and self._work.folder / _round_name(index))


def _round_name(index: int) -> str:
    return f"round-{index}"
