"""Fuzz one target in this process, guided by coverage: `python -m tests.fuzz.guided TARGET [libFuzzer option…]`."""

import sys

import atheris

with atheris.instrument_imports(include=["bridge"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()
