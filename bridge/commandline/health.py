"""`python -m bridge.commandline.health`: the health check of a container.

It asks the service on this machine, at the `http.listen` of the same settings.
"""

import http.client
import sys
from typing import Final

from bridge.settings import HttpSettings
from bridge.settings_sources import SettingsFault, load

PATIENCE_S: Final = 5.0


def health(http_settings: HttpSettings) -> str | None:
    """Return the fault of the service, or None.

    With HTTP turned off there is no check: the container engine notices by itself when the process ends.
    """
    if http_settings.from_here is None:
        return None
    connection = http.client.HTTPConnection(*http_settings.from_here, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{http_settings.listen} does not answer: {error}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"{http_settings.listen}/healthz answers {status}"


def main() -> int:
    """Print the fault, and return the exit status."""
    try:
        fault = health(load().http)
    except SettingsFault as unreadable:
        fault = str(unreadable)
    if fault is not None:
        sys.stderr.write(f"{fault}\n")
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
