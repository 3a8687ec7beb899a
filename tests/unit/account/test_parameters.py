"""Which parameters a status can change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.account.parameter_store import ParameterStore
from bridge.account.parameter_values import Sources
from bridge.account.parameters import BY_ID, FROM_STATUS, TABLE
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Setting
from bridge.chargepoint.status import Activity, Status
from bridge.chargepoint.twin import Twin
from bridge.storage.storage import Storage

AMPERES = st.none() | st.integers(0, 63).map(float)
STATUSES = st.builds(
    Status,
    activity=st.none() | st.sampled_from(Activity),
    current_1=AMPERES,
    energy=AMPERES,
    max_usage=AMPERES,
    smart_limit=AMPERES,
    max_offline=AMPERES,
    boosting=st.none() | st.booleans(),
    total_cost=AMPERES,
)
SETTINGS = ChargePointSettings(
    plug_and_charge=Setting(True),
    plug_and_charge_card=Card("A1"),
    smart_charging=True,
    delayed_charging=Setting(True),
    delayed_days=(1, 2),
    price_based_charging=Setting(False),
    led_intensity=Setting(50),
)


def sources(settings: ChargePointSettings, status: Status | None = None) -> Sources:
    """The present values of a charge point of which nothing is kept."""
    twin = Twin(evse_id="A", settings=settings, status=status)
    return Sources(twin, (), ParameterStore(Storage(":memory:")), visible=True, overrides_known=True)


@pytest.mark.parametrize(
    ("settings", "permission"),
    [
        (ChargePointSettings(), "none"),
        (ChargePointSettings(plug_and_charge_card=Card("A1")), "read"),
        (ChargePointSettings(plug_and_charge=Setting(True, "read")), "read"),
        (ChargePointSettings(plug_and_charge=Setting(True, "none"), plug_and_charge_card=Card("A1")), "none"),
        # A cloud may leave the card out, or send null, where none is set.
        (ChargePointSettings(plug_and_charge=Setting(False)), "write"),
        (ChargePointSettings(plug_and_charge=Setting(True), plug_and_charge_card=Card("A1")), "write"),
    ],
)
def test_the_card_of_plug_and_charge_has_its_permission(settings: ChargePointSettings, permission: str) -> None:
    assert BY_ID["plug_and_charge_card"].permission(sources(settings)) == permission


@pytest.mark.parametrize("parameter", ["smart_charging", "max_offline", "total_cost"])
@pytest.mark.parametrize("status", [None, Status()])
def test_a_value_that_is_not_known_is_a_parameter(parameter: str, status: Status | None) -> None:
    unknown = sources(ChargePointSettings(), status)
    assert BY_ID[parameter].is_there(unknown)
    assert not BY_ID[parameter].is_writable(unknown)
    assert BY_ID[parameter].json_value(unknown) is None


@given(STATUSES, STATUSES)
def test_a_status_changes_no_other_parameter(before: Status, after: Status) -> None:
    moments = [sources(SETTINGS, status) for status in (before, after)]
    for parameter in TABLE:
        said = [(parameter.is_there(known), parameter.json_value(known)) for known in moments]
        assert said[0] == said[1] or parameter in FROM_STATUS
