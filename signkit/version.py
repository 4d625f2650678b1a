"""The version, for all that records it."""

__version__ = "0.10.0"
