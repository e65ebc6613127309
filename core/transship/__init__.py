"""Transship's engine: move container images between registries, and prove it."""

from __future__ import annotations

__version__ = "0.1.0"
"""The one place where it is written; the distribution's is read from here."""
