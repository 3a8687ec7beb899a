"""What `make audit` and `make sbom` say: `python -m tests.packaging.supply_chain audit FILE`, or `sbom FILE`."""

import json
import sys
from pathlib import Path

from bridge import __version__

JsonObject = dict[str, object]


def audited(report: str) -> tuple[str, bool]:
    """Read the report of pip-audit (JSON; empty where its service did not answer).

    Returns: A text for people, and whether no fault is known.
    """
    packages = _objects(json.loads(report), "dependencies") if report.strip() else []
    checked = [package for package in packages if "skip_reason" not in package]
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {fault['fix_versions'] or 'no version yet'}"
        for package in checked
        for fault in _objects(package, "vulns")
    ]
    if not checked:
        return "NOT AUDITED: the advisories could not be had here. Run it where PyPI's advisory service answers.", True
    missed = ", ".join(str(package["name"]) for package in packages if package not in checked)
    lines = [f"{len(checked)} packages audited, {len(faults)} known faults", *faults]
    return "\n".join([*lines, f"NOT AUDITED: {missed}"] if missed else lines), not faults


def completed(bill: JsonObject) -> JsonObject:
    """Name the version of the bridge in its bill of materials, which cannot read it from pyproject.toml."""
    metadata = bill["metadata"]
    assert isinstance(metadata, dict)
    metadata["component"] |= {
        "version": __version__,
        "purl": f"pkg:pypi/{metadata['component']['name']}@{__version__}",
    }
    return bill


def _objects(content: JsonObject, name: str) -> list[JsonObject]:
    found = content[name]
    assert isinstance(found, list)
    return found


def main(task: str, file: Path) -> int:
    """Run one of the two."""
    if task == "sbom":
        bill = completed(json.loads(file.read_text(encoding="utf-8")))
        file.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
        print(file)
        return 0
    text, well = audited(file.read_text(encoding="utf-8") if file.exists() else "")
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
