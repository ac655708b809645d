"""Known orders of the classes, and the line that corrects one."""

from modelprint.verification.class_orders import list_orders, write_label_map


def test_numbers_sorted_as_text_are_another_order() -> None:
    """Torchvision sorts folders as text: "10" comes before "2"."""
    names = tuple(map(str, range(11)))

    orders = list_orders(names)

    assert set(orders) == {"text order", "counted from 1"}
    assert orders["text order"] == (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2)
    assert orders["counted from 1"] == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, None)


def test_numbers_inside_names_may_be_sorted_as_numbers() -> None:
    """The order of the data itself is not listed."""
    assert list_orders(("c1", "c10", "c2"))["natural order"] == (0, 2, 1)
    assert "text order" not in list_orders(("c1", "c10", "c2"))


def test_a_label_map_names_every_class_at_its_index() -> None:
    """By the index of the server; a long one is cut."""
    assert write_label_map((1, 0, 2), ("cat", "dog", "owl")) == 'labels: {"0": "dog", "1": "cat", "2": "owl"}'
    assert write_label_map((1, 2, None), ("cat", "dog", "owl")) == 'labels: {"1": "cat", "2": "dog", "3": "owl"}'
    assert write_label_map(tuple(range(1000)), tuple(map(str, range(1000)))).endswith('"19": "19", ...}')
