"""Tests of `bridge.commandline`."""
