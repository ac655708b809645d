"""What tests of ownership share: responses made by hand."""

from collections.abc import Callable

import pytest
import torch

from modelprint.ownership import Responses


@pytest.fixture
def answered() -> Callable[..., Responses]:
    """Return a function that makes responses: two points of two classes, noise around a given pattern."""

    def make(
        model: str, pattern: tuple[float, ...] = (0.9, 0.1, 0.2, 0.8), *, views: int = 6, asked: str = "these"
    ) -> Responses:
        rng = torch.Generator().manual_seed(sum(model.encode()))
        values = torch.tensor(pattern).repeat(views, 2)
        return Responses(
            values=values + 0.05 * torch.rand(values.shape, generator=rng), points=2, views=asked, model=model
        )

    return make
