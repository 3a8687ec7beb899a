"""The commands of the command line. Each imports its modules when it runs, so that `run` stays small in memory."""

import asyncio
import gc
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bridge import __version__
from bridge.commandline.options import ConfigOption, SetOption, load, load_with_origins
from bridge.commandline.plain_text import one_line
from bridge.commandline.process import (
    FAILED,
    UNREADABLE_SETTINGS,
    complain,
    run_to_its_end,
    say_json,
    stop_on_signals,
)
from bridge.commandline.replay_command import replay
from bridge.long_lived import kept_out
from bridge.terminal import shows_colours

if TYPE_CHECKING:
    from bridge.checkup.dump import Dump

NOT_FOR_THE_SERVICE: Final = ("rich", "pygments", "trio")
"""Optional packages that libraries of the service import if they are installed. `run` keeps them out of memory."""

app = typer.Typer(
    name="bluecurrent-fimp",
    help="Connects Blue Current charge points to a Futurehome hub, or to any MQTT broker, as FIMP things.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(replay)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bluecurrent-fimp {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Blue Current charge points as FIMP things."""
    context.color = shows_colours(sys.stdout)


@app.command()
def run(config: ConfigOption = None, assignments: SetOption = None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    settings = load(config, assignments)
    for name in NOT_FOR_THE_SERVICE:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # None makes an import of it fail
    with kept_out():
        from bridge.clock import SystemClock
        from bridge.logs import Log
        from bridge.service import Service
        from bridge.storage.database import StorageUnusable
        from bridge.world import World

    async def serve() -> int:
        stop = stop_on_signals()
        try:
            log, world = Log(settings.log.level, settings.log.format), World(SystemClock(), freeze=gc.freeze)
            service = Service(settings, log, world)
        except StorageUnusable as error:
            complain(str(error))
            return UNREADABLE_SETTINGS if error.permanent else FAILED
        await service.run(stop)
        return 0

    run_to_its_end(serve())


@app.command()
def demo(
    seconds: Annotated[float | None, typer.Option("--seconds", min=0, help="Stop after this many seconds.")] = None,
    record_file: Annotated[
        Path | None, typer.Option(metavar="FILE", envvar="BRIDGE_CLOUD__RECORD_FILE", help="Record the cloud's frames.")
    ] = None,
) -> None:
    """Run a demonstration on this machine: an MQTT broker, a simulated cloud with cars, and the bridge between them."""
    from bridge.commandline.demo import demo as show
    from bridge.commandline.embedded_broker import NoEmbeddedBroker

    async def serve() -> int:
        stop = stop_on_signals()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stop.set)
        await show(typer.echo, stop, record_file=record_file)
        return 0

    try:
        run_to_its_end(serve())
    except NoEmbeddedBroker as error:
        complain(str(error))
        raise typer.Exit(FAILED) from None


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65534, help="Of the websocket; the next port is for control. 0: two free ones.")
    ] = 8765,
    speed: Annotated[float, typer.Option(min=0, help="Simulated seconds per real second. 0: cars do not move.")] = 60.0,
) -> None:
    """Run only the simulated Blue Current cloud."""
    from bridge.commandline.simulate import simulate as serve_cloud

    async def serve() -> int:
        try:
            await serve_cloud(typer.echo, stop_on_signals(), host, port, speed)
        except OSError as error:
            complain(f"cannot listen on {host}, ports {port} and {port + 1}: {error.strerror or error}")
            return FAILED
        return 0

    run_to_its_end(serve())


_COLOURS: Final = {"ok": typer.colors.GREEN, "FAIL": typer.colors.RED, "note": typer.colors.YELLOW}


@app.command()
def check(
    config: ConfigOption = None,
    assignments: SetOption = None,
    dump: Annotated[
        Path | None,
        typer.Option("--redacted-dump", metavar="FILE", help="Also write a file without secrets for a bug report."),
    ] = None,
) -> None:
    """Check the settings, this machine, the broker and the cloud, and print what is wrong and what to do."""
    from bridge.checkup.dump import Dump
    from bridge.checkup.finding import Finding
    from bridge.checkup.run_checks import check as run_checks
    from bridge.clock import SystemClock

    settings, origins = load_with_origins(config, assignments)
    if dump is not None and dump.exists():
        complain(f"{dump} exists already and is not overwritten. Name another file.")
        raise typer.Exit(FAILED)

    async def work() -> int:
        findings: list[Finding] = []
        async for finding in run_checks(settings, origins, SystemClock()):
            findings.append(finding)
            mark = typer.style(f"{finding.mark:<4}", fg=_COLOURS[finding.mark])
            typer.echo(f"{mark} {finding.what:<14} {one_line(finding.says)}")
        well = not any(finding.failed for finding in findings)
        if dump is not None:
            well = _write_dump(dump, Dump(settings, origins, findings, SystemClock().now())) and well
        return 0 if well else FAILED

    run_to_its_end(work())


def _write_dump(path: Path, dump: "Dump") -> bool:
    from bridge.checkup.dump import write

    try:
        lines = write(path, dump)
    except OSError as error:
        complain(f"{path} cannot be written: {error.strerror}")
        return False
    for text in lines:
        typer.echo(text)
    return True


class AccountFormat(StrEnum):
    """Output of `account`."""

    TABLE = "table"
    JSON = "json"


@app.command()
def account(
    form: Annotated[AccountFormat, typer.Option("--format", help="The output format.")] = (AccountFormat.TABLE),
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show the account: owner, charge cards, charge points, grid connections, contracts and latest transactions."""
    from bridge.checkup.cloud import visiting_link
    from bridge.clock import SystemClock
    from bridge.commandline.account_report import read_account, table, to_json
    from bridge.errors import AlreadyConnected, BridgeError

    settings = load(config, assignments)

    async def work() -> int:
        try:
            report = await read_account(visiting_link(settings, SystemClock()), settings.cloud.url)
        except AlreadyConnected:
            complain(
                "Blue Current takes one connection at a time, and the service holds it. Stop the service first, or "
                "look at its status page."
            )
            return FAILED
        except BridgeError as error:
            complain(str(error))
            return FAILED
        if form is AccountFormat.JSON:
            say_json(to_json(report))
        else:
            for text in table(report):
                typer.echo(text)
        return 0

    run_to_its_end(work())


class SessionsFormat(StrEnum):
    """Output of `sessions`."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def sessions(
    form: Annotated[SessionsFormat, typer.Option("--format", help="The output format.")] = (SessionsFormat.TABLE),
    only_totals: Annotated[bool, typer.Option("--totals", help="Only the totals per month.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only sessions that began on or after this day."),
    ] = None,
    charge_point: Annotated[
        str | None, typer.Option("--charge-point", metavar="EVSE", help="Only this charge point (id or name).")
    ] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show the charging sessions kept on disk, with totals per month. The service may run meanwhile."""
    from bridge.chargepoint.amsterdam import from_wall_clock
    from bridge.commandline.sessions_report import Ledger, table, to_csv, to_json
    from bridge.storage.database import StorageUnusable
    from bridge.storage.peek import Peek

    path = load(config, assignments).storage.path
    peek = Peek(path)
    try:
        ledger = Ledger(peek.sessions(), peek.names(), peek.energy_before())
        if not peek.has_sessions():
            why = "was written by an older version, which kept none" if peek.exists() else "does not exist"
            complain(f"No sessions: {path} {why}.")
    except StorageUnusable as error:
        complain(str(error))
        raise typer.Exit(UNREADABLE_SETTINGS if error.permanent else FAILED) from None
    ledger = ledger.only(charge_point, from_wall_clock(since) if since is not None else None)
    if form is SessionsFormat.JSON:
        say_json(to_json(ledger, only_totals=only_totals))
    elif form is SessionsFormat.CSV:
        typer.echo(to_csv(ledger, only_totals=only_totals), nl=False)
    else:
        for text in table(ledger, only_totals=only_totals):
            typer.echo(text)


@app.command()
def send(
    evse: Annotated[str, typer.Argument(help="The charge point, such as BCU102728, or `adapter` for the bridge.")],
    command: Annotated[str, typer.Argument(help="The command, such as cmd.charge.start; `cmd.` may be left out.")],
    value: Annotated[str | None, typer.Argument(help="The value, if the command takes one.")] = None,
    prop: Annotated[list[str] | None, typer.Option("--prop", metavar="K=V", help="A property of the command.")] = None,
    value_type: Annotated[str | None, typer.Option("--type", help="The val_t; else guessed.")] = None,
    service: Annotated[str | None, typer.Option("--service", help="The service; else guessed.")] = None,
    wait: Annotated[
        float | None,
        typer.Option("--wait", help="Seconds to wait for the answer; else 10 for a report, cloud.command_timeout + 5."),
    ] = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Send one FIMP command through the broker and print its answers."""
    from bridge.clock import SystemClock
    from bridge.commandline.message_line import line
    from bridge.commandline.send_watch import properties_of
    from bridge.commandline.send_watch import send as send_order
    from bridge.hub.order import Order
    from bridge.hub.visitor import BrokerProblem

    settings = load(config, assignments)
    order = Order(evse, command, value, value_type, properties_of(prop or []), service)
    now = SystemClock().now

    async def work() -> int:
        try:
            patience = order.patience(settings) if wait is None else wait
            answers = await send_order(settings, order, patience, now)
        except (BrokerProblem, ValueError) as problem:
            complain(str(problem))
            return FAILED
        if not answers:
            complain("No answer. Check that the service is running, and that it uses the same broker.")
            return FAILED
        topic = order.topic(settings).as_event()
        for answer in answers:
            typer.echo(line(topic.path, answer.to_bytes(), now()))
        return FAILED if any(answer.type == "evt.error.report" for answer in answers) else 0

    run_to_its_end(work())


@app.command()
def watch(
    everything: Annotated[bool, typer.Option("--all", help="Also show parameters, phases and app states.")] = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Print the FIMP traffic of the broker in readable form until Ctrl-C."""
    from bridge.clock import SystemClock
    from bridge.commandline.send_watch import watch as watch_traffic
    from bridge.hub.visitor import BrokerProblem

    settings = load(config, assignments)

    async def work() -> int:
        stop = stop_on_signals()
        now = SystemClock().now
        watching = asyncio.ensure_future(watch_traffic(settings, typer.echo, now, details=everything))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if watching.done():
            try:
                watching.result()
            except BrokerProblem as problem:
                complain(str(problem))
                return FAILED
        watching.cancel()
        return 0

    run_to_its_end(work())
