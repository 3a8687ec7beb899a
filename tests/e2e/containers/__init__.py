"""Tests of the image and the files in deploy/ with a container engine."""
