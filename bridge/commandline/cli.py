"""The commands."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from bridge import __version__
from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.checkup.cloud import visiting_link
from bridge.checkup.dump import Dump, write
from bridge.checkup.finding import Finding, Mark
from bridge.checkup.run_checks import check as look
from bridge.clock import SystemClock
from bridge.commandline.account_report import read_account, table
from bridge.commandline.account_report import to_json as account_json
from bridge.commandline.embedded_broker import NoEmbeddedBroker
from bridge.commandline.message_line import line
from bridge.commandline.send_watch import BrokerProblem, Command
from bridge.commandline.send_watch import send as send_command
from bridge.commandline.send_watch import watch as watch_traffic
from bridge.commandline.sessions_report import Ledger, to_csv, to_json
from bridge.commandline.sessions_report import table as ledger_table
from bridge.errors import AlreadyConnected, BridgeError
from bridge.fimp.values import ValueType
from bridge.logs import Log
from bridge.service import Service
from bridge.settings import Settings
from bridge.settings_sources import SettingsFault, trace
from bridge.storage.database import StorageUnusable
from bridge.storage.storage import Peek
from bridge.tasks import end

FAILED = 1
UNREADABLE_SETTINGS = 2

app = typer.Typer(
    name="bluecurrent-fimp",
    help="Blue Current charge points on a Futurehome hub, or on any MQTT broker, as FIMP things.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="The settings file (TOML); else BRIDGE_CONFIG.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting, such as mqtt.host=hub.local.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bluecurrent-fimp {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Blue Current charge points as FIMP things."""


def _load(config: Path | None, assignments: list[str] | None) -> Settings:
    return _trace(config, assignments)[0]


def _trace(config: Path | None, assignments: list[str] | None) -> tuple[Settings, Mapping[str, str]]:
    try:
        return trace(config, assignments or [])
    except SettingsFault as fault:
        for text in fault.lines:
            typer.echo(text, err=True)
        raise typer.Exit(UNREADABLE_SETTINGS) from None


def _run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run to the end, and leave at once: a thread that still waits for a name server must not hold up the exit."""
    with asyncio.Runner() as runner:
        code = runner.run(work)
        if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    raise typer.Exit(code)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@app.command()
def run(config: ConfigOption = None, assignments: SetOption = None) -> None:
    """Run the service: until SIGTERM or Ctrl-C."""
    settings = _load(config, assignments)

    async def serve() -> int:
        try:
            service = Service(settings, Log(settings.log.level, settings.log.format))
        except StorageUnusable as error:
            typer.echo(str(error), err=True)
            return UNREADABLE_SETTINGS if error.permanent else FAILED
        await service.run(_stop_on_signals())
        return 0

    _run(serve())


@app.command()
def demo(
    seconds: Annotated[float | None, typer.Option("--seconds", help="Stop by itself after so many seconds.")] = None,
) -> None:
    """Show everything on this machine: a broker, a simulated cloud with cars, and the bridge between them."""
    from bridge.commandline.demo import demo as show  # noqa: PLC0415 - an extra

    async def serve() -> int:
        stop = _stop_on_signals()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stop.set)
        await show(typer.echo, stop)
        return 0

    try:
        _run(serve())
    except NoEmbeddedBroker as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="For the websocket; the control interface is on the next one.")] = 8765,
    speed: Annotated[float, typer.Option(help="Seconds of charging in a real second; 0: nothing moves.")] = 60.0,
) -> None:
    """Run only the simulated cloud."""
    from bridge.simulator.cloud import example_cloud  # noqa: PLC0415
    from bridge.simulator.control import Control, SideServer  # noqa: PLC0415
    from bridge.simulator.life import Life  # noqa: PLC0415
    from bridge.simulator.rest import Rest  # noqa: PLC0415

    async def serve() -> int:
        stop = _stop_on_signals()
        cloud = example_cloud(SystemClock().now)
        server = SideServer([*Control(cloud).routes(), *Rest(cloud).routes()], host, port + 1)
        try:
            url = await cloud.start(host, port)
            serving = await server.begin()
        except OSError as error:
            typer.echo(f"cannot listen on {host}, ports {port} and {port + 1}: {error.strerror or error}", err=True)
            return FAILED
        typer.echo(f"cloud.url = {url}")
        typer.echo(f"cloud.api_token = {cloud.account.api_token}")
        typer.echo(f"control: http://{host}:{port + 1}/control/state")
        living = asyncio.create_task(Life(cloud, speed=speed).run() if speed > 0 else stop.wait())
        await stop.wait()
        await server.finish(serving)
        await end(living)
        await cloud.stop()
        return 0

    _run(serve())


_COLOURS: Final = {Mark.OK: typer.colors.GREEN, Mark.FAIL: typer.colors.RED, Mark.NOTE: typer.colors.YELLOW}


@app.command()
def check(
    config: ConfigOption = None,
    assignments: SetOption = None,
    dump: Annotated[
        Path | None,
        typer.Option("--redacted-dump", metavar="FILE", help="Also write a file for a bug report, without secrets."),
    ] = None,
) -> None:
    """Try the settings, this machine, the broker and the cloud, and say what is wrong and what to do."""
    settings, origins = _trace(config, assignments)
    if dump is not None and dump.exists():
        typer.echo(f"{dump} exists already and is not overwritten. Name another file.", err=True)
        raise typer.Exit(FAILED)

    async def work() -> int:
        findings: list[Finding] = []
        async for finding in look(settings, origins, SystemClock()):
            findings.append(finding)
            mark = typer.style(f"{finding.mark:<4}", fg=_COLOURS[finding.mark])
            typer.echo(f"{mark} {finding.what:<14} {finding.says}")
        well = not any(finding.failed for finding in findings)
        if dump is not None:
            well = _write_dump(dump, Dump(settings, origins, findings, SystemClock().now())) and well
        return 0 if well else FAILED

    _run(work())


def _write_dump(path: Path, dump: Dump) -> bool:
    try:
        lines = write(path, dump)
    except OSError as error:
        typer.echo(f"{path} cannot be written: {error.strerror}", err=True)
        return False
    for text in lines:
        typer.echo(text)
    return True


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


@app.command()
def account(
    form: Annotated[Format, typer.Option("--format", help="For a person, or for a program.")] = Format.TABLE,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show what the account holds: owner, charge cards, charge points, grid connections, sustainability."""
    settings = _load(config, assignments)

    async def work() -> int:
        try:
            report = await read_account(visiting_link(settings, SystemClock()), settings.cloud.url)
        except AlreadyConnected:
            typer.echo(
                "Blue Current takes one connection at a time, and the service holds it. Stop the service for a moment, "
                "or look at its status page.",
                err=True,
            )
            return FAILED
        except BridgeError as error:
            typer.echo(str(error), err=True)
            return FAILED
        if form is Format.JSON:
            typer.echo(json.dumps(account_json(report), indent=2, ensure_ascii=False))
        else:
            for text in table(report):
                typer.echo(text)
        return 0

    _run(work())


class LedgerFormat(StrEnum):
    """How to print sessions."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def sessions(
    form: Annotated[LedgerFormat, typer.Option("--format", help="For a person, a spreadsheet or a program.")] = (
        LedgerFormat.TABLE
    ),
    only_totals: Annotated[bool, typer.Option("--totals", help="Only the totals per month.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only sessions that began on this day or later."),
    ] = None,
    charge_point: Annotated[
        str | None, typer.Option("--charge-point", metavar="EVSE", help="Only this one: its id or its name.")
    ] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show the charging sessions kept on disk, with totals per month; the service may be running or not."""
    path = _load(config, assignments).storage.path
    peek = Peek(path)
    try:
        ledger = Ledger(peek.sessions(), peek.names(), peek.energy_before())
        if not peek.has_ledger():
            why = (
                "comes from an older version, and keeps them from the next run on" if peek.exists() else "is not there"
            )
            typer.echo(f"No sessions: {path} {why}.", err=True)
    except StorageUnusable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREADABLE_SETTINGS if error.permanent else FAILED) from None
    ledger = ledger.only(charge_point, from_wall_clock(since) if since is not None else None)
    if form is LedgerFormat.JSON:
        content = to_json(ledger, only_totals=only_totals)
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif form is LedgerFormat.CSV:
        typer.echo(to_csv(ledger, only_totals=only_totals), nl=False)
    else:
        for text in ledger_table(ledger, only_totals=only_totals):
            typer.echo(text)


@app.command()
def send(
    evse: Annotated[str, typer.Argument(help="The charge point, such as BCU102728; `adapter` for the bridge itself.")],
    command: Annotated[str, typer.Argument(help="Such as cmd.charge.start; `cmd.` may be left out.")],
    value: Annotated[str | None, typer.Argument(help="The value, if the command takes one.")] = None,
    prop: Annotated[list[str] | None, typer.Option("--prop", metavar="K=V", help="A property.")] = None,
    value_type: Annotated[str | None, typer.Option("--type", help="The val_t, if it is not to be guessed.")] = None,
    service: Annotated[str | None, typer.Option("--service", help="The service, if it is not to be guessed.")] = None,
    wait: Annotated[
        float | None, typer.Option("--wait", help="How long to wait for the answer, s; else what the cloud may take.")
    ] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Send one FIMP command through the broker, and print what answers it."""
    settings = _load(config, assignments)
    properties = dict(item.partition("=")[::2] for item in prop or [])
    wanted: ValueType | None = value_type  # type: ignore[assignment] # compared with the value right away
    order = Command(evse, command, value, wanted, properties, service)
    now = SystemClock().now

    async def work() -> int:
        try:
            patience = settings.cloud.command_timeout + 5 if wait is None else wait
            answers = await send_command(settings, order, patience, now)
        except (BrokerProblem, ValueError) as problem:
            typer.echo(str(problem), err=True)
            return FAILED
        if not answers:
            typer.echo("No answer. Is the service running, and on the same broker?", err=True)
            return FAILED
        topic = order.topic(settings).as_event()
        for answer in answers:
            typer.echo(line(topic.path, answer.to_bytes(), now()))
        return FAILED if any(answer.type == "evt.error.report" for answer in answers) else 0

    _run(work())


@app.command()
def watch(
    everything: Annotated[
        bool, typer.Option("--all", help="Parameters, phases and states of the app as well.")
    ] = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Print the FIMP traffic of the broker, readable, until Ctrl-C."""
    settings = _load(config, assignments)

    async def work() -> int:
        stop = _stop_on_signals()
        now = SystemClock().now
        watching = asyncio.ensure_future(watch_traffic(settings, typer.echo, now, details=everything))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if watching.done():
            try:
                watching.result()
            except BrokerProblem as problem:
                typer.echo(str(problem), err=True)
                return FAILED
        watching.cancel()
        return 0

    _run(work())
