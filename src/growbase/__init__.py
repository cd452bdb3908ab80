"""Growbase: the open data backend for AI marketing, sales and commerce apps."""

__version__ = "0.1.0"
__all__ = ["__version__"]
