"""The systemd units: systemd accepts them and rates their exposure as low."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.containers.conftest import missing
from tests.e2e.containers.engine import ROOT, run

pytestmark = pytest.mark.containers

UNITS = ROOT / "deploy/systemd"
ONE, TEMPLATE = UNITS / "bluecurrent-fimp.service", UNITS / "bluecurrent-fimp@.service"
HIGHEST_EXPOSURE = 3.0


@pytest.fixture(params=[ONE, TEMPLATE], ids=lambda unit: unit.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each unit, with the program where it is in this environment."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze is not installed")
    program = Path(sys.executable).parent / "bluecurrent-fimp"
    path = tmp_path / request.param.name
    path.write_text(request.param.read_text().replace("/opt/bluecurrent-fimp/bin/bluecurrent-fimp", str(program)))
    assert str(program) in path.read_text()
    return str(path)


def test_systemd_understands_every_line(unit: str) -> None:
    assert run(["systemd-analyze", "verify", "--man=no", unit]) == ""


def test_the_exposure_of_the_unit_is_low(unit: str) -> None:
    said = run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit])
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found is not None, said
    assert float(found[1]) < HIGHEST_EXPOSURE
