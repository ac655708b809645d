"""The two methods are built from names and settings as text."""

import pytest

from modelprint.ownership import OWNERSHIP_METHODS, CExamples, Clusters, Contrastive, Uap, Universal, build_method
from modelprint.ownership.methods import method_settings


def test_settings_go_where_they_belong() -> None:
    """A name that only one part has needs no part before it."""
    made = build_method("uap", {"radius": "40", "views": "20", "encoder.batch": "64", "views.points": "50"})

    assert made == Uap(pattern=Universal(radius=40), views=Clusters(views=20, points=50), encoder=Contrastive(batch=64))
    assert build_method("c-examples", {"noise": "0"}) == CExamples(noise=0.0, band=2)


def test_a_name_that_two_parts_have_is_refused() -> None:
    """So is one that none has; the message lists all."""
    for name in ("batch", "colour", "encoder.radius"):
        with pytest.raises(
            ValueError, match=rf"uap has no setting '{name}'; its settings are radius, .*pattern\.batch"
        ):
            build_method("uap", {name: "1"})
    with pytest.raises(ValueError, match="choose one of c-examples, uap"):
        build_method("watermark")


@pytest.mark.parametrize("name", OWNERSHIP_METHODS)
def test_every_setting_that_is_listed_can_be_given(name: str) -> None:
    """With its default, which changes nothing."""
    given = {key: str(value) for key, value in method_settings(name).items()}

    assert build_method(name, given) == build_method(name)
