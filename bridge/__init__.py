"""Blue Current charge points as FIMP things."""

__version__ = "0.1.0"
