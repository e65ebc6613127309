"""Transship's engine: move container images between registries, and prove it."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("transship")
