"""The bridge between Blue Current charge points and FIMP, the protocol of Futurehome hubs."""

__version__ = "0.2.0"
