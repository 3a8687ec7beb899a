"""Tests of the image and of what is under deploy/, with a container engine."""
