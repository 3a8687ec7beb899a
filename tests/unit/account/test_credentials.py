"""Which API token is used."""

from pydantic import JsonValue, SecretStr

from bridge.account.credentials import Credentials


class Values:
    """Single values, kept in memory."""

    def __init__(self) -> None:
        self.content: dict[str, JsonValue] = {}

    def value(self, name: str) -> JsonValue:
        """A value; None if there is none."""
        return self.content.get(name)

    def save_value(self, name: str, content: JsonValue) -> None:
        """Keep a value; None forgets it."""
        self.content[name] = content


def made(configured: str | None, values: Values) -> Credentials:
    """The credentials after a restart."""
    return Credentials(SecretStr(configured) if configured is not None else None, values)


def test_the_configured_token_is_used_without_a_login() -> None:
    assert made("configured", Values()).token() == "configured"
    assert made(None, Values()).token() is None


def test_a_login_takes_precedence_over_the_configured_token_across_restarts() -> None:
    values = Values()
    made("configured", values).keep("from the hub")
    assert made("configured", values).token() == "from the hub"
    assert made("changed", values).token() == "from the hub"
    assert made(None, values).token() == "from the hub"


def test_after_a_logout_the_configured_token_is_used_only_when_it_has_changed() -> None:
    values = Values()
    credentials = made("configured", values)
    credentials.keep("from the hub")
    credentials.forget()
    assert credentials.token() is None
    assert made("configured", values).token() is None
    assert made("changed", values).token() == "changed"


def test_a_login_with_the_configured_token_undoes_a_logout() -> None:
    values = Values()
    credentials = made("configured", values)
    credentials.keep("an older one")
    credentials.forget()
    credentials.keep("configured")
    assert credentials.token() == "configured"
    credentials.keep("another")
    credentials.keep("configured")
    assert made("configured", values).token() == "configured"


def test_a_logout_without_a_configured_token_leaves_no_token() -> None:
    values = Values()
    credentials = made(None, values)
    credentials.keep("from the hub")
    credentials.forget()
    assert credentials.token() is None
    assert made("new", values).token() == "new"


def test_the_configured_token_itself_is_not_stored() -> None:
    values = Values()
    made("configured", values).forget()
    assert "configured" not in str(values.content.values())
