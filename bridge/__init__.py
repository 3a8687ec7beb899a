"""Blue Current charge points as FIMP things."""

__version__ = "0.2.0"
