"""What all errors have."""

from __future__ import annotations

import re
from typing import ClassVar

from transship.text import safe


class TransshipError(Exception):
    """The base of all errors that an operator may see."""

    title: ClassVar[str] = "Something went wrong"
    remedy: str = "Run the command again; if it fails again, report it with the detail above."
    retryable: ClassVar[bool] = False
    exit_status: ClassVar[int] = 1
    met_at: str | None = None
    """The registry that it comes from, where somebody has taken note of that."""

    def __init__(self, detail: str = "", *, remedy: str | None = None) -> None:
        self.detail = safe(detail)
        if remedy is not None:
            self.remedy = safe(remedy)
        super().__init__(self.detail)

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}" if self.detail else self.title

    @property
    def cause(self) -> str:
        """A stable name of the cause for journals and JSON: `rate-limited`, `no-right`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()


class UsageError(TransshipError):
    """The base of errors in what was asked, not in what happened."""

    exit_status = 2


class CheckFailed(TransshipError):
    """The base of what a check said no to, before anything was written."""

    exit_status = 3
