"""The one type of the tests that is no type."""

from typing import Any, TypeAlias

Parsed: TypeAlias = Any
"""JSON that a test looks into. Nothing says beforehand what is in it: a look that finds something else fails the test."""
