"""Who may see what is created at a registry. A file of its own, so that plans need no services."""

from __future__ import annotations

from enum import StrEnum


class Visibility(StrEnum):
    """Who may pull what is in something that is created."""

    PRIVATE = "private"
    """Who is given the right."""
    PUBLIC = "public"
    """Everyone."""
