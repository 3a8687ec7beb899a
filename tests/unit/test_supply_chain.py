"""What `make audit` says of a report, and what `make sbom` adds."""

import json

import pytest

from bridge import __version__
from tests.packaging.supply_chain import audited, completed

GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"], "aliases": [], "description": ""}]}
NOT_FOUND = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "well", "text"),
    [
        ([GOOD], True, "1 packages audited, 0 known faults"),
        ([GOOD, BAD], False, "2 packages audited, 1 known faults\nb 2: CVE-1, mended in ['3']"),
        ([GOOD, NOT_FOUND], True, "1 packages audited, 0 known faults\nNOT AUDITED: c"),
        ([BAD, NOT_FOUND], False, "1 packages audited, 1 known faults\nb 2: CVE-1, mended in ['3']\nNOT AUDITED: c"),
    ],
)
def test_an_audit_names_faults_and_what_was_not_audited(
    packages: list[dict[str, object]], well: bool, text: str
) -> None:
    assert audited(json.dumps({"dependencies": packages, "fixes": []})) == (text, well)


@pytest.mark.parametrize("report", ["", json.dumps({"dependencies": [NOT_FOUND], "fixes": []})])
def test_an_audit_without_data_is_reported_and_succeeds(report: str) -> None:
    text, well = audited(report)
    assert text.startswith("NOT AUDITED")
    assert well


def test_a_bill_of_materials_names_the_version() -> None:
    bill = completed({"metadata": {"component": {"name": "x", "type": "application"}}})
    assert bill == {
        "metadata": {
            "component": {
                "name": "x", "type": "application", "version": __version__, "purl": f"pkg:pypi/x@{__version__}"
            }
        }
    }  # fmt: skip
