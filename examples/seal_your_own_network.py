"""Train a network of your own, seal it with a fingerprint, and look inside the file.

Run it as it stands: python examples/seal_your_own_network.py. It takes seconds and needs `pip install '.[generate]'`.
It writes my-network.mprint and my-network.safetensors into the working folder.

What it shows: any `torch.nn.Module` that maps images in [0, 1] to logits can be sealed. Wrap it in a `Classifier`, load
images as a data set, choose a method, and call `generate`.
"""

from pathlib import Path

import torch
from torch import nn

from modelprint import Classifier, Fingerprint, generate, load_data
from modelprint.loading import save_weights
from modelprint.methods.junction import Junction

torch.manual_seed(0)
torch.set_num_threads(1)  # a network this small gains nothing from more

# 1797 handwritten digits of 8 by 8 pixels that come with scikit-learn; a fifth of them is the test part.
data = load_data("digits")
network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 4 * 4, 10)
)

images, labels = torch.from_numpy(data.train.pixels) / 255, torch.from_numpy(data.train.labels)
optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
for _ in range(60):
    optimiser.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()
    optimiser.step()

model = Classifier(network, image_shape=data.image_shape, class_count=10, name="my-network")
right = (model.labels(torch.from_numpy(data.test.pixels) / 255) == torch.from_numpy(data.test.labels)).float().mean()
print(f"trained {model.name}: {right:.1%} of the test images are classified correctly")

# Junction moves each source image to a point where several classes tie. Few samples of it are needed.
fingerprint, report = generate(model, data, Junction(), count=8, profile="exact", seed=7)
print(report.summary())

fingerprint.save(Path("my-network.mprint"))
save_weights(model, Path("my-network.safetensors"))

# What a person who checks an endpoint gets: the file is all that is needed, and loading it never imports torch.
print(Fingerprint.load(Path("my-network.mprint")).summary())
