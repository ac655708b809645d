"""The line that corrects an order can be put into an endpoint file."""

import pytest
import yaml

from modelprint.data.class_order import list_orders
from modelprint.oracles.endpoint import open_oracle, parse_endpoint
from modelprint.verification.label_map import write_label_map

NAMES = tuple(map(str, range(11)))


def test_a_label_map_names_every_class_at_its_index() -> None:
    """By the index of the server; a long one is cut."""
    assert write_label_map((1, 0, 2), ("cat", "dog", "owl")) == 'labels: {"0": "dog", "1": "cat", "2": "owl"}'
    assert write_label_map((1, 2, None), ("cat", "dog", "owl")) == 'labels: {"1": "cat", "2": "dog", "3": "owl"}'
    assert write_label_map((None, 0), ("cat", "dog")) == 'labels: {"-1": "cat", "0": "dog"}'
    assert write_label_map(tuple(range(1000)), tuple(map(str, range(1000)))).endswith('"19": "19", ...}')


@pytest.mark.parametrize(("order", "answered"), [("text order", 2), ("counted from 1", 11)])
def test_an_endpoint_with_that_line_is_read_rightly(order: str, answered: int) -> None:
    """Torchvision sorts "10" before "2", so that 2 stands for "10" there."""
    line = write_label_map(list_orders(NAMES)[order], NAMES)
    described = {"kind": "http", "url": "http://127.0.0.1:9", "response": {"label": "$"}} | yaml.safe_load(line)

    oracle = open_oracle(parse_endpoint({"endpoint": described}), NAMES)

    assert oracle.labels.index(answered) == 10
