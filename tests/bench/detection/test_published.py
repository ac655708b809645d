"""The paper's numbers stand in the package as printed."""

import pytest

from modelprint.bench.detection.outputs import OUTPUTS
from modelprint.bench.detection.published import outputs_of, published_outputs, published_table, published_tables


def test_there_are_as_many_rows_as_in_the_paper() -> None:
    """23 rows of CIFAR-10, 22 where there is no transfer learning, 8 of MNIST; every row is complete."""
    tables = {table.name: table for table in published_tables()}

    assert {name: len(table.rows) for name, table in tables.items()} == {
        "table1-cifar10": 23,
        "table1-gtsrb": 22,
        "table1-imagenet-sample": 22,
        "table4-mnist": 8,
    }
    assert all(len(rates) == len(table.columns) for table in tables.values() for rates in table.rows.values())
    assert all(0 <= rate <= 1 for table in tables.values() for rates in table.rows.values() for rate in rates)


@pytest.mark.parametrize(
    ("table", "row", "method", "n", "percent"),
    [
        ("table1-cifar10", "Unlearning", "MiSentry", 1, 68.4),
        ("table1-cifar10", "Fine-tune last layer, lr 1e-5", "MiSentry", 1, 45.9),
        ("table1-cifar10", "Fine-tune last layer, lr 1e-5", "PublicCheck", 5, 79.9),
        ("table1-cifar10", "Transfer learning", "SSF", 1, 85.9),
        ("table1-cifar10", "Clean label", "PublicCheck", 1, 79.8),
        ("table1-gtsrb", "Fine-tune last layer, lr 1e-4", "MiSentry", 5, 97.1),
        ("table1-gtsrb", "Bit flip", "SSF", 1, 89.0),
        ("table1-gtsrb", "Fine-tune all, lr 1e-5", "PublicCheck", 1, 17.2),
        ("table1-imagenet-sample", "Unlearning", "SSF", 5, 94.1),
        ("table1-imagenet-sample", "Bit flip", "MiSentry", 1, 98.0),
        ("table1-imagenet-sample", "Targeted attack", "PublicCheck", 1, 63.8),
        ("table4-mnist", "backdoor(epoch=1)", "SSF-BO", 1, 61.2),
        ("table4-mnist", "FTAL (1e-5)", "MiSentry", 1, 41.6),
        ("table4-mnist", "Targeted Attack", "SSF", 1, 1.9),
    ],
)
def test_numbers_are_those_of_the_paper(table: str, row: str, method: str, n: int, percent: float) -> None:
    """Some of every table, column by column."""
    found = published_table(table)

    assert found is not None
    assert found.rate(row, method, n) == pytest.approx(percent / 100)


def test_rows_are_the_same_modifications_in_every_table_1() -> None:
    """GTSRB and ImageNet lack transfer learning and nothing else, in the same order."""
    cifar10, gtsrb, imagenet, _ = published_tables()

    shared = [row for row in cifar10.rows if row != "Transfer learning"]
    assert list(gtsrb.rows) == shared
    assert list(imagenet.rows) == shared


def test_a_table_is_found_by_its_name_and_by_its_data() -> None:
    """A plan names one; a plan that names none has a data set."""
    assert published_table("gtsrb") is published_table("table1-gtsrb")
    assert published_table("fashion-mnist") is None


def test_what_the_paper_does_not_print_is_none() -> None:
    """Other rows, methods and numbers of samples."""
    table = published_tables()[0]

    assert table.rate("Sign flip", "MiSentry", 1) is None
    assert table.rate("Pruning", "SSF-BO", 1) is None
    assert table.rate("Pruning", "MiSentry", 10) is None


def test_there_are_four_tables_about_output_forms() -> None:
    """Five rows of VGG-Face, six of the others, in forms that are ours too; more samples never see less."""
    tables = published_outputs()

    assert [(table.data, table.row, len(table.rows)) for table in tables] == [
        ("vgg-face", "Trojan", 5),
        ("gtsrb", "Error-generic poisoning", 6),
        ("gtsrb", "Error-specific poisoning", 6),
        ("cifar10", "Compression", 6),
    ]
    for table in tables:
        assert set(table.outputs) <= set(OUTPUTS)
        assert all(len(rates) == len(table.outputs) for rates in table.rows.values())
        labels = [rates[0] for rates in table.rows.values()]
        assert labels == sorted(labels)


@pytest.mark.parametrize(
    ("data", "row", "output", "n", "percent"),
    [
        ("vgg-face", "Trojan", "top-1", 1, 94.1),
        ("gtsrb", "Error-generic poisoning", "p-dec-2", 1, 88.76),
        ("gtsrb", "Error-generic poisoning", "top-1-p-dec2", 2, 99.87),
        ("gtsrb", "Error-specific poisoning", "top-1", 1, 97.9),
        ("cifar10", "Compression", "top-1-p-dec2", 1, 49.79),
        ("cifar10", "Compression", "p-dec-1", 5, 99.78),
    ],
)
def test_rates_by_output_form_are_those_of_the_paper(data: str, row: str, output: str, n: int, percent: float) -> None:
    """Some of every table."""
    table = outputs_of(data, row)

    assert table is not None
    assert table.rate(output, n) == pytest.approx(percent / 100)
    assert table.rate(output, 7) is None
    assert table.rate("label+p-dec2", n) is None
    assert outputs_of(data, "Pruning") is None
