"""`bluecurrent-fimp send` and `simulate` refuse arguments that they cannot use."""

import pytest
from typer.testing import CliRunner

from bridge.commandline.cli import app


@pytest.mark.parametrize("arguments", [["BCU/1"], ["BCU+1"], [""], ["a b"], ["BCU102728", "--service", "#"]])
def test_a_name_that_is_no_part_of_a_topic_is_refused_before_a_broker_is_needed(arguments: list[str]) -> None:
    address, *options = arguments
    result = CliRunner().invoke(app, ["send", address, "cmd.state.get_report", *options])
    assert result.exit_code == 1
    assert "cannot be part of a topic" in result.output


@pytest.mark.parametrize("property_", ["slow", "=slow", ""])
def test_a_property_without_a_name_and_a_value_is_refused(property_: str) -> None:
    result = CliRunner().invoke(app, ["send", "BCU102728", "cmd.charge.start", "--prop", property_])
    assert result.exit_code == 2
    assert "is not a name and a value" in result.output


def test_the_demo_refuses_a_time_below_zero() -> None:
    assert CliRunner().invoke(app, ["demo", "--seconds", "-1"]).exit_code == 2


@pytest.mark.parametrize("arguments", [["--port", "65535"], ["--port", "-1"], ["--speed", "-1"]])
def test_the_simulator_refuses_ports_and_speeds_that_there_are_not(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["simulate", *arguments])
    assert result.exit_code == 2
    assert "Invalid value" in result.output
