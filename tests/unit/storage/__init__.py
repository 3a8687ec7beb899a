"""Tests of `bridge.storage.storage`."""
