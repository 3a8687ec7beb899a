"""The licences of everything that the service installs: `python -m tests.documentation.licences > docs/licences.md`."""

import re
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements.lock"
PERMISSIVE = ("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software Foundation", "Unlicense", "Mozilla", "MPL")
"""What may be installed beside a program under the MIT licence. MPL covers its own files only (certifi's list)."""

HEAD = """# Licences

What `requirements.lock` installs beside the service, each with its licence. The service itself is under the
[MIT licence](../LICENSE). Made by `make licences`; a test compares it with the lock and refuses a licence that asks
something of those who pass the service on.

| package | licence |
|---|---|
"""


def locked() -> list[str]:
    """The packages of the lock."""
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)


def licence(name: str) -> str:
    """The licence of an installed package, from its metadata."""
    about = metadata.metadata(name)
    classified = [text.split(" :: ")[-1] for text in about.get_all("Classifier") or [] if text.startswith("License ::")]
    named = [text for name in ("License-Expression", "License") for text in about.get_all(name) or []]
    return ", ".join(named[:1] if "License-Expression" in about else classified or named)


def is_permissive(text: str) -> bool:
    """Whether every part that has to be kept, and one of those to choose from, is permissive."""
    return all(
        any(word in choice for choice in part.split(" OR ") for word in PERMISSIVE)
        for part in re.split(r" AND |, ", text)
    )


def page() -> str:
    """The page."""
    return HEAD + "".join(f"| {name} | {licence(name)} |\n" for name in locked())


if __name__ == "__main__":
    print(page(), end="")
