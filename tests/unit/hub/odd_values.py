"""Odd texts, numbers and names, for frames and commands that a test makes up."""

from typing import Any

from hypothesis import strategies as st

ODD_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)

ODD_NUMBERS = st.sampled_from(
    [0, -0.0, -0.5, 1e-320, 5.97, 6, 31.9, 32, 199.9, 1e6, 1e9, -1e9, 1e308, 10**400, 2**63, float("nan"), float("inf")]
)

NUMBERS = ODD_NUMBERS | st.floats() | st.integers() | st.floats(0, 40)

IDS = st.sampled_from(
    [
        "BCU1", "BCU2", "BCU1_2", "BCU+1", "BCU#1", "BCU/1", "BCU 1", "", "network", "goodbye", "GRIDBCU1", "\ud83d",
        "\u202eBCU", "\uffff", "\ufdd0", "BCU\x00", "BCU\x9f", "é" * 40, "N" * 5_000, "pt:j1", ".", "1", "null",
    ]
) | ODD_TEXT  # fmt: skip

NAMES = st.sampled_from(["Home", " - ", "A - B - C", "\n", "x" * 5_000, "\u202e", "😀"]) | ODD_TEXT

TIMES = st.sampled_from(["20261120 12:00:00", "00010101 00:00:00", "99991231 23:59:59", "", "20261120 11:59:59+14:00"])

JUNK: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | ODD_TEXT | st.just([]) | st.just({})
