"""Fingerprints of a benchmark, made once and kept by content: samples, labels, orders of asking, and how it went.

An entry is two files, `KEY.mprint` (or `KEY.safetensors` for samples in floats) and `KEY.json`, which holds the SHA-256
of the other and of itself. One that does not agree with them is logged and made again.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from modelprint.bench.detection.plan import PlannedFingerprint
from modelprint.bench.locks import lock_entry
from modelprint.bench.stopwatch import Stopwatch
from modelprint.cache import cache_folder, content_key, write_atomically, write_text_atomically
from modelprint.classifier import Classifier
from modelprint.crafting.margins import top_two_gap
from modelprint.crafting.selection import find_active_units, greedy_order, manc_order
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.errors import CraftingError, FingerprintError, LoadingError, OracleError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.methods.method import read_settings
from modelprint.networks.forms import InBatches
from modelprint.tamperings.zoo import build_zoo
from modelprint.tensors import Images, Labels, Logits, to_images
from modelprint.work import Work, save_tensors

REVISION = 1
"""Raised whenever samples, labels or orders change, so that old entries are not found any more."""

ZOO_SEED = 1000
"""Seed of the first copy of each kind that the greedy selection uses; suspects have lower ones."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredFingerprint:
    """A fingerprint as the benchmark asks it.

    Attributes:
        images: The samples, in [0, 1].
        labels: What the target says about them.
        content: The bytes of the file that holds them.
        orders: By name of a selection rule, the samples' indices, best first.
        facts: How it was made and what became of the samples crafted; plain data.
        seconds: Seconds of the processor that it took, those of interrupted calls too.
    """

    images: Images
    labels: Labels
    content: bytes
    orders: dict[str, list[int]]
    facts: dict[str, Any]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class FingerprintRecipe:
    """Everything a fingerprint is made from, apart from the target and its data.

    Attributes:
        planned: As the plan has it.
        seed: Of every random number.
        zoo: Tampered copies that the greedy selection uses.
    """

    planned: PlannedFingerprint
    seed: int
    zoo: tuple[str, ...]

    def key(self, model_digest: str, data_digest: str) -> str:
        """Return the content hash; the name in the plan has no part in it."""
        planned = self.planned
        settings = read_settings(planned.build())
        made = [planned.method, settings, planned.count, planned.survives, planned.form, self.seed, list(self.zoo)]
        return content_key([REVISION, model_digest, data_digest, *made])


def record_path(key: str) -> Path:
    """Return where the record of a fingerprint is, or would be, kept."""
    return cache_folder() / "bench" / "fingerprints" / f"{key}.json"


def load_or_make(recipe: FingerprintRecipe, model: Classifier, data: DataSet) -> StoredFingerprint:
    """Return the fingerprint from the cache, or make it and put it there; a damaged entry is made again.

    Raises:
        Busy: Another process is making it.
        CraftingError: The method has no samples to offer.
    """
    key = recipe.key(model.digest(), data.digest)
    entry = record_path(key)
    found = _read(entry, recipe)
    if found is None:
        with lock_entry(f"fingerprint-{key}"):
            found = _read(entry, recipe)
            if found is None:
                unfinished = entry.parents[1] / "unfinished" / key
                _write(entry, recipe, _make(recipe, model, data, unfinished))
                shutil.rmtree(unfinished, ignore_errors=True)
                found = _read(entry, recipe)
    if found is None:
        raise CraftingError(f"{entry} was written, but cannot be read again; is something else changing the cache?")
    return found


def _make(recipe: FingerprintRecipe, model: Classifier, data: DataSet, folder: Path) -> StoredFingerprint:
    """Make a fingerprint; what is unfinished is kept in `folder`, so that an interrupted call is taken up again."""
    stopwatch = Stopwatch(folder / "seconds")
    path = folder / f"made{_ending(recipe)}"
    planned = recipe.planned
    make = _seal if planned.form == "8-bit" else _write_floats
    facts = make(recipe, model, data, Work(folder=folder, progress=stopwatch), path)
    images, labels = _unpack(path)
    how = {
        "method": planned.method,
        "settings": read_settings(planned.build()),
        "seed": recipe.seed,
        "form": planned.form,
    }
    return StoredFingerprint(
        images=images,
        labels=labels,
        content=path.read_bytes(),
        orders=_orders(recipe, model, data, images, labels),
        facts={**how, "samples": len(labels), **facts},
        seconds=stopwatch.seconds,
    )


def _seal(recipe: FingerprintRecipe, model: Classifier, data: DataSet, work: Work, path: Path) -> dict[str, Any]:
    """Run the whole pipeline, write the sealed file and return what became of the samples."""
    planned, method = recipe.planned, recipe.planned.build()
    fingerprint, report = generate(
        model,
        data,
        method,
        count=planned.count,
        profile=planned.profile,
        multiple=planned.multiple,
        rounding=planned.rounding,
        seed=recipe.seed,
        allow_fewer=True,
        measures=NOTHING,
        work=work,
    )
    samples = fingerprint.samples
    fingerprint.save(path)
    pictures = to_images(np.stack([sample.picture.pixels for sample in samples]))
    sources = to_images(np.stack([sample.source.pixels for sample in samples if sample.source is not None]))
    return asdict(report) | {
        "profile": planned.survives,
        "median_confidence": float(np.median([sample.confidence for sample in samples])),
        "median_l2": _distance(pictures, sources),
        "notes": dict(fingerprint.provenance.notes),
    }


def _write_floats(
    recipe: FingerprintRecipe, model: Classifier, data: DataSet, work: Work, path: Path
) -> dict[str, Any]:
    """Write what the method makes: nothing is rounded, steadiness is not asked for."""
    planned = recipe.planned
    sources = pick_sources(data.train, planned.count, recipe.seed).pixels
    # The method's own unfinished state has to belong to this recipe, as `generate` sees to in the other form.
    work = replace(work, identity=recipe.key(model.digest(), data.digest))
    crafted = planned.build().craft(model, data, sources, recipe.seed, work)
    usable = crafted.usable & crafted.images.isfinite().flatten(1).all(1)
    if not usable.any():
        raise CraftingError(f"{planned.name}: the method gave up on all of {len(usable)} sources")
    images = crafted.images.detach()[usable].float().contiguous()
    logits = answers(model, images)
    save_tensors({"images": images, "labels": logits.argmax(1)}, path)
    return {
        "profile": "",
        "crafted": len(usable),
        "given_up": int((~usable).sum()),
        "kept": len(images),
        "median_confidence": float(np.median(logits.softmax(1).amax(1).numpy())),
        "median_l2": _distance(images, to_images(sources)[crafted.rows[usable]]),
        "notes": dict(crafted.notes),
    }


def _distance(images: Images, sources: Images) -> float:
    """Return the median L2 distance for images in [0, 1]."""
    return float(np.median((images - sources).flatten(1).norm(dim=1).numpy()))


def answers(model: Classifier, images: Images) -> Logits:
    """Return the logits of `images`, computed one at a time as most servers do.

    Raises:
        OracleError: Some are not finite, so there is no label to compare.
    """
    # A network that has its own way of cutting batches has to be given more than one image to do so.
    logits = model.logits(images, batch=len(images) if isinstance(model.network, InBatches) else 1)
    broken = int((~logits.isfinite()).any(1).sum())
    if broken:
        raise OracleError(f"it gives logits that are not finite to {broken} of {len(logits)} samples")
    return logits


def _orders(
    recipe: FingerprintRecipe, model: Classifier, data: DataSet, images: Images, labels: Labels
) -> dict[str, list[int]]:
    """Return in which orders to ask: by the units that samples activate, and by the copies of a zoo that they see."""
    orders = {}
    try:
        orders["manc"] = manc_order(find_active_units(model, images, "all"), len(images))
    except CraftingError as problem:
        log.info("%s", problem)  # a network without rectified units has no such order
    if recipe.zoo:
        zoo = build_zoo(model, data, recipe.zoo, first_seed=ZOO_SEED)
        mismatch = torch.stack([answers(copy, images).argmax(1) != labels for copy in zoo.copies])
        orders["greedy"] = greedy_order(mismatch, top_two_gap(answers(model, images)), labels)
    return orders


def _write(entry: Path, recipe: FingerprintRecipe, stored: StoredFingerprint) -> None:
    write_atomically(entry.with_suffix(_ending(recipe)), lambda draft: _write_bytes(draft, stored.content))
    record = {
        "sha256": hashlib.sha256(stored.content).hexdigest(),
        "orders": stored.orders,
        "facts": stored.facts,
        "seconds": round(stored.seconds, 3),
    }
    write_text_atomically(entry, json.dumps({"record": record, "sha256": _sha256(record)}, indent=1) + "\n")


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _read(entry: Path, recipe: FingerprintRecipe) -> StoredFingerprint | None:
    """Return what is kept; None when there is nothing, or, after saying so, when it is damaged."""
    content_path = entry.with_suffix(_ending(recipe))
    if not (entry.is_file() and content_path.is_file()):
        return None
    try:
        written = json.loads(entry.read_text(encoding="utf-8"))
        record, content = written["record"], content_path.read_bytes()
        if _sha256(record) != written["sha256"] or hashlib.sha256(content).hexdigest() != record["sha256"]:
            raise ValueError("its content has another hash than when it was written")
        images, labels = _unpack(content_path)
    except (ValueError, KeyError, TypeError, OSError, FingerprintError, LoadingError) as problem:
        name = recipe.planned.name
        log.warning("cache entry %s is damaged (%s); fingerprint %s is made again", entry.name, problem, name)
        return None
    return StoredFingerprint(
        images=images,
        labels=labels,
        content=content,
        orders=record["orders"],
        facts=record["facts"],
        seconds=record["seconds"],
    )


def _unpack(path: Path) -> tuple[Images, Labels]:
    if path.suffix == ".mprint":
        samples = Fingerprint.load(path).samples
        pixels = np.stack([sample.picture.pixels for sample in samples])
        return to_images(pixels), torch.tensor([sample.label for sample in samples])
    try:
        tensors = load_file(path)
    except SafetensorError as problem:
        raise LoadingError(str(problem)) from problem
    return tensors["images"], tensors["labels"]


def _ending(recipe: FingerprintRecipe) -> str:
    return ".mprint" if recipe.planned.form == "8-bit" else ".safetensors"


def _sha256(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
