"""Which parameters a status can change."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.account.parameter_store import ParameterStore
from bridge.account.parameter_values import Sources
from bridge.account.parameters import FROM_STATUS, TABLE
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


@given(STATUSES, STATUSES)
def test_a_status_changes_no_other_parameter(before: Status, after: Status) -> None:
    store = ParameterStore(Storage(":memory:"))
    moments = [
        Sources(Twin(evse_id="A", settings=SETTINGS, status=status), (), store, visible=True, overrides_known=True)
        for status in (before, after)
    ]
    for parameter in TABLE:
        said = [(parameter.is_there(sources), parameter.json_value(sources)) for sources in moments]
        assert said[0] == said[1] or parameter in FROM_STATUS
