"""SSF-BO: sensitive samples found by Bayesian optimisation in the latent space of a generator.

Source: D. P. Kuttichira, S. Gupta, D. Nguyen, S. Rana and S. Venkatesh, "Verification of Integrity of Deployed Deep
Learning Models Using Bayesian Optimization", Knowledge-Based Systems 2022, and its public code, nphdang/BCD.

With h the input of the last linear layer and p the probabilities, |h| * |p (1 - p)| is maximised: the derivative of the
probabilities by the last layer, of which the code keeps each class's own. `bo` tries 33 random latents of a dense VAE,
the first of which is the source's, then 60 chosen from the values so far, and decodes the best of all. `local` is the
baseline of the same code: L-BFGS-B on the pixels, from the source. Neither uses a suspect. Nothing but
`radius`, which MiSentry adds in its Table 4, bounds the distance from the source.

On a well-trained network a natural image is so saturated that |p (1 - p)| and its gradient vanish, and `local` stays
where it is; on the logarithm, `objective=log`, it does not. Two things keep the `bo` of the public code from being the
search it is meant to be. GPyOpt ignores `maximize` when it is handed values instead of a function (SheffieldML/GPyOpt
issue 180), so the next latent is sought where the objective is lowest: `towards=lowest`. And with 32 latents a kernel
of length scale 1 learns nothing (see `crafting.bayesian`), so that either way the result is about the best of 93 random
latents. A larger `length_scale` lets it learn.

Departures: `bo` goes towards the highest values unless `towards` says otherwise. With a radius, what is scored is the
decoded image moved into the ball. In `bo` images are scored as eight-bit images, unless `eight_bit` is
false. `local` uses exact gradients in float64 unless `numerical` is true. The generator is seeded and shared by all
samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.crafting.bayesian import Surrogate, Trials
from modelprint.crafting.projection import clip
from modelprint.crafting.quasi_newton import MOST, import_botorch, minimise
from modelprint.crafting.sensitivity import log_rest
from modelprint.data import DataSet
from modelprint.fast.folding import make_quick_copy
from modelprint.generators import Generator, decode, encode
from modelprint.generators.choice import GeneratorChoice
from modelprint.methods.method import Card, Crafted, constant_radii
from modelprint.pixels import Pixels
from modelprint.progress import track_steps
from modelprint.streams import stream
from modelprint.tensors import Images, Logits, to_images, to_pixels
from modelprint.work import Work

BOUND = 3.0
"""Latents are sought between -3 and 3."""
SAVED_EVERY = 10
"""Iterations between two saved states."""

Objective = Literal["published", "log"]
Score = Callable[[Images], Float[Tensor, " n"]]


@dataclass(frozen=True, kw_only=True)
class SSFBO:
    """Search for the image whose probabilities depend most on the last layer.

    The generator's usual settings are published for MNIST. Faces had latents=8,batch=32,epochs=200, and CIFAR-10
    hidden=512,batch=32,epochs=100.

    Attributes:
        search: "bo" in the latents of a generator, or "local" in the pixels.
        objective: "published", |h| * |p (1 - p)|, or its "log".
        radius: L2 bound for images in [0, 1]; none as published, 0.8 in MiSentry's Table 4.
        iterations: Latents that are tried after the random ones ("bo").
        towards: Where the next latent is sought: the "highest" values, or, as the public code does, the "lowest".
        length_scale: Of the kernel, where each fit starts ("bo").
        refit: Fit the kernel before each iteration; otherwise it stays as it starts ("bo").
        weight: Of the uncertainty in the confidence bound ("bo").
        generator: Name in GENERATORS; as many random latents as one has numbers, and one more, start a search ("bo").
        generator_settings: Its settings where they are not the usual ones, each as NAME=VALUE ("bo").
        generator_seed: Of its training ("bo").
        limit: Iterations of L-BFGS-B after which an image that has not converged stays; SciPy's limit ("local").
        numerical: Differentiate numerically, with SciPy's limits, as published; slow ("local").
        chunk: Samples that are searched for at a time; bounds the memory.
        eight_bit: Score decoded images as eight-bit images; false compares with papers ("bo").
    """

    name: ClassVar[str] = "ssf-bo"
    card: ClassVar[Card] = Card(
        title="SSF-BO",
        source="Kuttichira et al., Knowledge-Based Systems 2022",
        needs=("gradients", "training data", "generator"),
        cost="93 evaluations and 60 fits of a Gaussian process, and the generator itself",
    )
    search: Literal["bo", "local"] = "bo"
    objective: Objective = "published"
    radius: float | None = None
    iterations: int = 60
    towards: Literal["highest", "lowest"] = "highest"
    length_scale: float = 1.0
    refit: bool = True
    weight: float = 1.0
    generator: str = "dense-vae"
    generator_settings: tuple[str, ...] = ()
    generator_seed: int = 0
    limit: int = MOST
    numerical: bool = False
    chunk: int = 100
    eight_bit: bool = True

    def __post_init__(self) -> None:
        if self.radius is not None and not self.radius > 0:
            raise ValueError(f"radius must be positive, or none, got {self.radius}")
        if self.iterations < 0 or self.chunk < 1 or self.limit < 1:
            raise ValueError(
                "iterations must not be negative, limit and chunk be at least 1, "
                f"got {self.iterations}, {self.limit} and {self.chunk}"
            )
        _ = self.surrogate, self._generator_choice.build()  # these refuse impossible settings

    @property
    def surrogate(self) -> Surrogate:
        """The model that chooses the latents to try."""
        return Surrogate(length_scale=self.length_scale, refit=self.refit, weight=self.weight, towards=self.towards)

    @property
    def _generator_choice(self) -> GeneratorChoice:
        return GeneratorChoice(name=self.generator, settings=self.generator_settings, seed=self.generator_seed)

    def choose_generator(self) -> GeneratorChoice | None:
        """Return the generator whose latents are searched; None for a local search, which stays in the pixels."""
        return self._generator_choice if self.search == "bo" else None

    def radii(self, sources: Images) -> Float[Tensor, " n"] | None:
        """Return the L2 bound around each source, if there is one."""
        return None if self.radius is None else constant_radii(self.radius, sources)

    def craft(self, model: Classifier, data: DataSet, sources: Pixels, seed: int, work: Work) -> Crafted:
        """Search from each source, in the latents of a generator that is trained first (and kept in the cache).

        Raises:
            LoadingError: The classifier does not end in a linear layer.
            CraftingError: BoTorch is not installed.
        """
        if self.search == "bo" or not self.numerical:
            import_botorch()  # before the generator is trained
        score = build_score(model.double() if self.search == "local" else model, self.objective)
        chunks = to_images(sources).split(self.chunk)
        if self.search == "bo":
            generator = self._generator_choice.load_or_train(data, work.progress)
            found = [
                _LatentSearch(self, generator, score, x, (seed, i), work).find_best() for i, x in enumerate(chunks)
            ]
        else:
            climb = self._climb_numerically if self.numerical else self._climb
            found = [climb(score, x) for x in track_steps("climbing", chunks, len(chunks), work.progress)]
        return Crafted.all_of(torch.cat(found))

    def place(self, images: Images, sources: Images) -> Images:
        """Return `images` moved into the ball around their sources, if there is one."""
        return images if self.radius is None else clip(images, sources, self.radius)

    def _climb(self, score: Score, sources: Images) -> Images:
        """Climb from all sources at once, by exact gradients."""
        sources = sources.double()

        def evaluate(
            pixels: Float[Tensor, "active d"], active: list[int]
        ) -> tuple[Float[Tensor, " active"], Float[Tensor, "active d"]]:
            x = pixels.clone().requires_grad_()
            value = -score(self.place(x.view(-1, *sources.shape[1:]), sources[active]))
            (gradient,) = torch.autograd.grad(value.sum(), x)
            return value.detach(), gradient

        start = sources.flatten(1)
        ends, _ = minimise(evaluate, start, [0.0] * start.shape[1], [1.0] * start.shape[1], self.limit)
        return self.place(ends.view_as(sources), sources).float()

    def _climb_numerically(self, score: Score, sources: Images) -> Images:
        """Climb from one source after the other, by differences; SciPy gives up after 15,000 evaluations."""
        from scipy.optimize import Bounds, minimize

        found = []
        for source in sources.double().split(1):

            def value(pixels: Any, source: Images = source) -> float:
                with torch.no_grad():
                    return -score(self.place(torch.from_numpy(pixels).view_as(source), source)).item()

            start, options = source.flatten().numpy(), {"maxiter": self.limit}
            end = minimize(value, start, method="L-BFGS-B", bounds=Bounds(0, 1), options=options)
            found.append(self.place(torch.from_numpy(end.x).view_as(source), source))
        return torch.cat(found).float()


class _LatentSearch:
    """The Bayesian search from some sources: one run each."""

    def __init__(
        self, settings: SSFBO, generator: Generator, score: Score, sources: Images, stream: tuple[int, int], work: Work
    ) -> None:
        """Take the parts; `stream` is the seed and the number of the chunk."""
        self.settings = settings
        self.generator = generator
        self.score = score
        self.sources = sources
        self.stream = stream
        self.work = work

    def find_best(self) -> Images:
        """Return the image of the best latent tried from each source."""
        surrogate, name = self.settings.surrogate, f"ssf-bo-{self.stream[1]}"
        trials, total = self._resume(name) or self._start(), self.settings.iterations
        done = trials.values.shape[1] - (trials.points.shape[2] + 1)
        self.work.progress("searching", done, total)
        for index in range(done, total):
            latents = surrogate.suggest(trials, BOUND, self._rng("candidates", index))
            trials = trials.plus(latents, self._evaluate(latents))
            if (index + 1) % SAVED_EVERY == 0:
                self.work.save(name, {"points": trials.points, "values": trials.values})
            self.work.progress("searching", index + 1, total)
        return self._decode(trials.best)

    def _start(self) -> Trials:
        """Try latents drawn uniformly, the first of which is the source's."""
        own = encode(self.generator, self.sources).flatten(1).double()
        runs, d = own.shape
        points = (2 * torch.rand(runs, d + 1, d, generator=self._rng("first"), dtype=torch.float64) - 1) * BOUND
        points[:, 0] = own
        return Trials(points=points, values=torch.stack([self._evaluate(column) for column in points.unbind(1)], 1))

    def _resume(self, name: str) -> Trials | None:
        kept = self.work.resume(name)
        if not kept or len(kept["points"]) != len(self.sources):
            return None
        return Trials(points=kept["points"], values=kept["values"])

    def _evaluate(self, latents: Float[Tensor, "runs d"]) -> Float[Tensor, " runs"]:
        with torch.no_grad():
            return self.score(self._decode(latents)).double()

    def _decode(self, latents: Float[Tensor, "runs d"]) -> Images:
        """Return the image of each latent as it would be sealed."""
        decodable = latents.float().view(-1, *self.generator.latent_shape)
        images = self.settings.place(decode(self.generator, decodable), self.sources)
        return to_images(to_pixels(images)) if self.settings.eight_bit else images

    def _rng(self, *names: str | int) -> torch.Generator:
        seed, chunk = self.stream
        return stream(seed, "ssf-bo", chunk, *names)


def build_score(model: Classifier, objective: Objective) -> Score:
    """Return the objective as a differentiable function of images; LoadingError without a last linear layer."""
    quick = make_quick_copy(model)
    inputs: list[Tensor] = []
    quick.head.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    rule = log_sensitivity if objective == "log" else sensitivity

    def score(images: Images) -> Float[Tensor, " n"]:
        logits = quick.network(images.to(quick.dtype))
        return rule(inputs.pop(), logits)

    return score


def sensitivity(features: Float[Tensor, "n features"], logits: Logits) -> Float[Tensor, " n"]:
    """Return |h| * |p (1 - p)|; `features` is h, and p the softmax of `logits`."""
    p = logits.softmax(1)
    product: Tensor = features.norm(dim=1) * (p * (1 - p)).norm(dim=1)
    return product


def log_sensitivity(features: Float[Tensor, "n features"], logits: Logits) -> Float[Tensor, " n"]:
    """Return the logarithm of `sensitivity`, finite and with a gradient however sure the network is."""
    log_p = logits.log_softmax(1)
    size = features.norm(dim=1).clamp_min(torch.finfo(features.dtype).tiny)
    logarithm: Tensor = size.log() + 0.5 * (2 * (log_p + log_rest(log_p))).logsumexp(1)
    return logarithm
