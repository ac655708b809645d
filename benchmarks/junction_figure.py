"""Draws what a junction looks like: the plane of images around one, coloured by the label a classifier gives.

    python benchmarks/junction_figure.py docs/junction.png

CIFAR-10 ResNet-20, three classes, seed 11. The plane goes through the junction along the two directions in which the
differences of the three logits change. Left: two grey levels to each side. Middle: near the junction; each star has the
logits of an eight-bit sample, which lies beside the plane, one sample for each winner. Right: the same images, and a
copy of the classifier whose last layer was fine-tuned at 1e-4.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from modelprint.bench.targets import TARGETS, target_model
from modelprint.classifier import Classifier
from modelprint.crafting.junction import (
    Box,
    Precisions,
    Relations,
    find_junctions,
    linearise,
    put_winner_first,
    step_towards,
)
from modelprint.crafting.lattice import Search, diffuse, refine
from modelprint.crafting.sources import pick_sources
from modelprint.settings import build
from modelprint.streams import stream
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect
from modelprint.tensors import GREY_LEVELS, to_images

MARGIN = 5e-5
SIDE = 41
KIND = "finetune-last-1e-4-bnfrozen"


def main() -> None:
    """Draw the figure into the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="PNG file to write")
    output = parser.parse_args().output
    model, data = target_model(TARGETS["cifar10-resnet20"])
    suspect = load_or_make_suspect(KIND, build(SUITE, KIND), model, data, 1).classifier
    precisions = Precisions(model)
    source = to_images(pick_sources(data.train, 1, 11).pixels)
    box = Box.around(source)
    junction, classes = find_junctions(precisions.quick, source, 3, box, 10)
    tie = Relations.tie(classes)
    centre = step_towards(precisions.exact, junction.double(), tie, Box.around(source.double()), 3)
    _, jacobian = linearise(precisions.exact, centre, tie)
    axes = torch.linalg.qr(jacobian[0].T).Q.T
    winners = [put_winner_first(classes, torch.tensor([label])) for label in classes[0].tolist()]
    samples = torch.cat([sample_of(precisions, centre, Relations.tie(order, MARGIN), box) for order in winners])
    draw(model, suspect, centre, axes, samples, classes[0], tuple(data.class_names), output)


def sample_of(precisions: Precisions, centre: Tensor, relations: Relations, box: Box) -> Tensor:
    """Return an eight-bit image near the junction at which the first class of the relations leads."""
    rough = diffuse(precisions, centre.float(), relations, box)
    return refine(precisions, rough, relations, box, MARGIN, Search(), stream(0, "figure")) / GREY_LEVELS


def draw(
    model: Classifier,
    suspect: Classifier,
    centre: Tensor,
    axes: Tensor,
    samples: Tensor,
    classes: Tensor,
    names: tuple[str, ...],
    output: Path,
) -> None:
    """Draw three panels."""
    figure, panels = plt.subplots(1, 3, figsize=(10, 3.9), layout="constrained")
    colours = plt.get_cmap("Pastel1")(np.arange(len(classes)))[:, :3]
    stars = [equivalent(model, centre, axes, logits, classes) for logits in sample_logits(model, samples, classes)]
    fine = 4 * MARGIN / float(logits_per_step(model, centre, axes, classes))
    for panel, half, network, title, unit, scale in (
        (panels[0], 2 / GREY_LEVELS, model, "two grey levels to each side", "grey levels", 1),
        (panels[1], fine, model, "near the tie", "thousandths of a grey level", 1000),
        (panels[2], fine, suspect, f"{KIND}, same images", "thousandths of a grey level", 1000),
    ):
        labels = labels_on(plane(centre, axes, half), network, classes)
        picture = np.ones((SIDE, SIDE, 3))
        for place in range(len(classes)):
            picture[labels == place] = colours[place]
        extent = (-half * GREY_LEVELS * scale, half * GREY_LEVELS * scale) * 2
        panel.imshow(picture, extent=extent, origin="lower", interpolation="nearest")
        panel.set_title(title, fontsize=9)
        panel.set_xlabel(f"{unit}, along the first direction", fontsize=8)
        panel.locator_params(nbins=5)
        panel.tick_params(labelsize=7)
    for panel in panels[1:]:
        panel.plot(*(np.array(stars).T * GREY_LEVELS * 1000), "k*", markersize=9, linestyle="none")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in colours]
    figure.legend(
        handles, [names[int(c)] for c in classes], loc="outside lower center", ncols=3, fontsize=8, frameon=False
    )
    figure.savefig(output, dpi=110)


def plane(centre: Tensor, axes: Tensor, half: float) -> Tensor:
    """Return the images of a square around the centre, row by row."""
    ticks = torch.linspace(-half, half, SIDE, dtype=torch.float64)
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    moved = centre.flatten() + x.reshape(-1, 1) * axes[0] + y.reshape(-1, 1) * axes[1]
    return moved.view(-1, *centre.shape[1:])


def labels_on(images: Tensor, model: Classifier, classes: Tensor) -> np.ndarray:
    """Return which of the classes leads, in float64."""
    return model.double().logits(images)[:, classes].argmax(1).view(SIDE, SIDE).numpy()


def sample_logits(model: Classifier, samples: Tensor, classes: Tensor) -> Tensor:
    """Return for each sample the logits of the classes, less their mean, in float64."""
    values = model.double().logits(samples)[:, classes]
    return values - values.mean(1, keepdim=True)


def logits_per_step(model: Classifier, centre: Tensor, axes: Tensor, classes: Tensor) -> Tensor:
    """Return by how much a step of length one along either direction moves the logits, the smaller of both."""
    return _slopes(model, centre, axes, classes).norm(dim=0).min()


def equivalent(model: Classifier, centre: Tensor, axes: Tensor, logits: Tensor, classes: Tensor) -> np.ndarray:
    """Return the point of the plane that has the logits of the sample, to first order: the sample lies beside it."""
    slopes = _slopes(model, centre, axes, classes)
    return torch.linalg.lstsq(slopes, logits[:, None]).solution[:, 0].numpy()


def _slopes(model: Classifier, centre: Tensor, axes: Tensor, classes: Tensor, step: float = 1e-5) -> Tensor:
    """Return how the logits, less their mean, change along each direction."""
    moved = centre + step * axes.view(-1, *centre.shape[1:])
    values = model.double().logits(torch.cat([centre, moved]))[:, classes]
    centred = values - values.mean(1, keepdim=True)
    return ((centred[1:] - centred[:1]) / step).T


if __name__ == "__main__":
    main()
