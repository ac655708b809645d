"""Sealing: from a model and its reference models to an ownership fingerprint."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from statistics import median

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.known import accuracy_on
from modelprint.fingerprint.container import SAMPLE_LIMIT
from modelprint.fingerprint.ownership import C_EXAMPLES, UAP, OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ByLabels, ByViews, Reference
from modelprint.fingerprint.parts import Preprocessing, Provenance
from modelprint.fingerprint.provenance import provenance_of
from modelprint.oracles.local import check_model
from modelprint.oracles.oracle import RANKING_LIMIT
from modelprint.ownership.c_examples import CExamples
from modelprint.ownership.methods import OwnershipMethod, Uap
from modelprint.ownership.packing import pack
from modelprint.ownership.references import Models, Relatives
from modelprint.pixels import Picture
from modelprint.tensors import to_images
from modelprint.work import Work

FAR = 0.1
"""Difference of accuracies from which on references are poor stand-ins for suspects."""


def seal(
    model: Classifier,
    data: DataSet,
    method: OwnershipMethod,
    models: Models,
    *,
    seed: int,
    count: int = 100,
    created: datetime | None = None,
    work: Work | None = None,
) -> OwnershipFingerprint:
    """Make what copies of `model` are recognised by, and compare models of known relation with it.

    1. Make the questions: examples, or a perturbation and views.
    2. For views, train an encoder on copies and unrelated models that are no references.
    3. Ask every reference, one after the other; each is made, or found in the cache.

    Args:
        model: The victim; left as it is.
        data: What it was trained on, and test images.
        method: How copies are recognised.
        models: Which references, and which models to train on.
        seed: Of every random number.
        count: Examples to begin, for C-examples.
        created: Time for the file; now when None.
        work: Progress and resumption.

    Raises:
        ValueError: The settings, the data or the models do not go together.
        CraftingError: The questions, or models of some kind, cannot be made.
    """
    check_model(model, data.image_shape, len(data.class_names))
    if count > SAMPLE_LIMIT:
        raise ValueError(f"count is 1 to {SAMPLE_LIMIT}, got {count}")
    work = work or Work()
    provenance = provenance_of(
        model.name,
        model.digest(),
        data,
        C_EXAMPLES if isinstance(method, CExamples) else UAP,
        asdict(method) | {"models": models.record()},
        seed,
        created or datetime.now(UTC),
    )
    relatives = Relatives(model=model, data=data, models=models, seed=seed, progress=work.progress)
    evidence: ByLabels | ByViews
    if isinstance(method, CExamples):
        evidence, references, provenance = _make_examples(relatives, method, count, work, provenance)
    else:
        evidence, references, provenance = _make_views(relatives, method, work, provenance)
    notes = {**provenance.notes, "victim": f"accuracy {accuracy_on(model, data.test):.4f}"}
    channels, height, width = model.image_shape
    return OwnershipFingerprint(
        class_names=data.class_names,
        preprocessing=Preprocessing(
            channels=channels, height=height, width=width, colour="RGB" if channels == 3 else "L"
        ),
        provenance=replace(provenance, notes=notes),
        references=references,
        evidence=evidence,
    )


def find_weaknesses(fingerprint: OwnershipFingerprint) -> list[str]:
    """Return one sentence for each weakness that can be seen from a fingerprint."""
    found = []
    victim = float(fingerprint.provenance.notes["victim"].removeprefix("accuracy "))
    others = [fingerprint.references[row].accuracy for row in fingerprint.rows_of("unrelated")]
    if others and median(others) < victim - FAR:
        found.append(
            f"unrelated references are {median(others):.1%} accurate and the model {victim:.1%}: a good model of "
            "another owner may seem more similar than they are; train them longer (--model-set)"
        )
    if not fingerprint.rows_of("copy"):
        found.append("without reference copies no suspect can be called unrelated; --copies makes some")
    classes = len(fingerprint.class_names)
    if isinstance(fingerprint.evidence, ByViews) and classes > RANKING_LIMIT:
        found.append(
            f"an endpoint's answer keeps {RANKING_LIMIT} scores, so a suspect of {classes} classes can only be asked "
            "as weights"
        )
    return found


def _make_examples(
    relatives: Relatives, method: CExamples, count: int, work: Work, provenance: Provenance
) -> tuple[ByLabels, tuple[Reference, ...], Provenance]:
    examples = method.craft(relatives.model, count, relatives.seed, work)  # (1)
    images = to_images(examples.pixels)
    references = tuple(
        replace(one.reference, matches=int((one.classifier.labels(images) == examples.labels).sum()))
        for one in relatives.make_references()  # (3)
    )
    pictures = tuple(Picture.of(pixels) for pixels in examples.pixels)
    evidence = ByLabels(pictures=pictures, labels=tuple(examples.labels.tolist()))
    notes = {"examples": examples.summary()}
    return evidence, references, replace(provenance, crafted=count, lost_rounding=examples.lost, notes=notes)


def _make_views(
    relatives: Relatives, method: Uap, work: Work, provenance: Provenance
) -> tuple[ByViews, tuple[Reference, ...], Provenance]:
    model, data, seed = relatives.model, relatives.data, relatives.seed
    pattern = method.pattern.craft(model, data, seed, work)  # (1)
    views = method.views.choose(model, data.train, pattern, seed)
    mine = views.ask(model)
    copies, others = (
        [views.ask(one.classifier) for one in relatives.make_training_models(kind)] for kind in ("copy", "unrelated")
    )
    encoder = method.encoder.fit(mine, copies, others, seed, work.progress)  # (2)
    references, represented = [], []
    for one in relatives.make_references():  # (3)
        references.append(one.reference)
        represented.append(encoder.encode(views.ask(one.classifier)))
    notes = {
        "perturbation": pattern.summary(),
        "encoder": f"trained on {len(copies)} copies and {len(others)} unrelated models",
    }
    evidence = pack(views, mine, encoder, represented)
    return evidence, tuple(references), replace(provenance, crafted=len(views.pixels), notes=notes)
