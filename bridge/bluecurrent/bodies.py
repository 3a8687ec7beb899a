"""The contents of the cloud's frames, one class for each object (design page 3, "Pushes and data")."""

from collections.abc import Sequence
from typing import Literal

from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.cloud_fields import AMOUNT, FLAG, MASS, TEXT, cloud_field
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import Activity, Status
from bridge.chargepoint.update import Update
from bridge.immutable import immutable

Switch = Literal["plug_and_charge", "public_charging", "delayed_charging", "price_based_charging"]
"""The names in `ChargePointSettings` of the settings that a request switches on or off."""


@immutable(frozen=True, slots=True)
class SocketStatus:
    """One entry of a CH_STATUS.

    Attributes:
        evse_id: the charge point.
        socket: the number of the socket; None if the entry names none.
        update: the values.
    """

    evse_id: str
    socket: int | None
    update: Update[Status]

    def concerns(self, socket: int | None, *, alone: bool) -> bool:
        """Whether the entry is about a socket of its charge point.

        For a charge point with several sockets, an entry without a number counts only if it says `offline`, which
        holds for all of them.

        Args:
            socket: the number of the socket.
            alone: the charge point has only this socket.
        """
        if alone:
            return True
        if self.socket is not None:
            return self.socket == socket
        return self.update.values.activity is Activity.OFFLINE


@immutable(frozen=True, slots=True)
class Statuses:
    """CH_STATUS. Its entries can concern several charge points, and are applied in order.

    Attributes:
        sockets: the entries.
        socket_ids: the sockets of the frame's charge point, if the top level of the frame names them.
    """

    sockets: Sequence[SocketStatus]
    socket_ids: tuple[int, ...] | None = None


@immutable(frozen=True, slots=True)
class ListedChargePoint:
    """One entry of CHARGE_POINTS: the settings of a charge point, and its activity when the list was made."""

    evse_id: str
    update: Update[ChargePointSettings]
    activity: Activity | None = None


@immutable(frozen=True, slots=True)
class ChargePoints:
    """CHARGE_POINTS: the charge points of the account."""

    listed: Sequence[ListedChargePoint]


@immutable(frozen=True, slots=True)
class ChargeCards:
    """CHARGE_CARDS: the charge cards of the account."""

    cards: Sequence[Card]


@immutable(frozen=True, slots=True)
class SettingsBody:
    """CH_SETTINGS: the settings of the charge point that the frame names."""

    update: Update[ChargePointSettings]


@immutable(frozen=True, slots=True)
class GridValues:
    """GRID_STATUS, which names a grid connection, or GRID_CURRENT, which names a charge point behind it."""

    update: Update[Grid]


@immutable(frozen=True, slots=True)
class AccountBody:
    """ACCOUNT. Its other fields are credentials of another company, and are not read."""

    login: str = cloud_field("login", "the name that the owner logs in with", TEXT, default="")
    email: str = cloud_field("email", "the owner's e-mail address", TEXT, default="")
    full_name: str = cloud_field("full_name", "the owner's name", TEXT, default="")
    since: str = cloud_field("first_login_app", "the first login, as 01-JAN-20 or ISO 8601", TEXT, default="")
    tel: str = cloud_field("tel", "the owner's telephone number", TEXT, default="")
    should_reset_password: bool | None = cloud_field("should_reset_password", "the cloud wants a new password", FLAG)
    developer_mode_enabled: bool | None = cloud_field("developer_mode_enabled", "the account may use the API", FLAG)
    marketing_target: str = cloud_field("marketing_target", "the company that sold the charge points", TEXT, default="")


@immutable(frozen=True, slots=True)
class Sustainability:
    """SUSTAINABILITY_STATUS: the figures of the account."""

    trees: float | None = cloud_field("trees", "trees planted", AMOUNT)
    co2: float | None = cloud_field("co2", "CO2 saved", MASS)


@immutable(frozen=True, slots=True)
class OverridesBody:
    """LIST_OVERRIDE_CURRENT with all schedules, or the answer to a change with one entry, or none after a clear."""

    schedules: Sequence[Schedule]


@immutable(frozen=True, slots=True)
class Token:
    """STATUS_API_TOKEN: the token for requests, or None if the cloud refused the API token."""

    value: str | None
    customer_id: str


@immutable(frozen=True, slots=True)
class Error:
    """ERROR: its number, if it is one, and its text."""

    number: int | None
    message: str


@immutable(frozen=True, slots=True)
class Result:
    """Any other object: a verdict, perhaps with the value that a setter has set.

    Attributes:
        value: the value that was set; None if the answer names none.
        socket: the number of the socket, if the answer names one.
        setting: the setting that now has this value, if it is one that is switched on or off.
    """

    value: bool | None
    socket: int | None
    setting: Switch | None = None


Body = (
    Statuses
    | ChargePoints
    | ChargeCards
    | SettingsBody
    | GridValues
    | AccountBody
    | Sustainability
    | OverridesBody
    | Token
    | Error
    | Result
)
