"""Tests of `bridge.account`."""
