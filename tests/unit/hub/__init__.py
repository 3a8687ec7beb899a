"""Tests of `bridge.hub`."""
