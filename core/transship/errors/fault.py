"""What is wrong with Transship itself."""

from __future__ import annotations

from transship.errors.base import TransshipError


class InternalFault(TransshipError):
    """Something that nobody foresaw. `detail` never has its own words: they may quote a secret."""

    title = "Transship has a fault"
    remedy = "Please report it, with what was done before."
