"""The table of named services."""

from modelprint.oracles.endpoint import KINDS
from modelprint.oracles.services.table import SERVICES


def test_every_service_is_a_kind_under_its_own_name() -> None:
    """In the order of the alphabet."""
    assert list(SERVICES) == sorted(SERVICES)
    for name, service in SERVICES.items():
        assert service.model_fields["kind"].default == name
        assert KINDS[name] is service
