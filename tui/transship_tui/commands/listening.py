"""What a command line says of notifications, for a plan that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.errors import BadRequest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Listening:
    """What the command line says of notifications."""

    address: str = ""
    secret_file: Path | None = None
    secret_descriptor: int | None = None

    def check(self) -> None:
        """Raise BadRequest when it doesn't go together."""
        given = self.secret_file is not None or self.secret_descriptor is not None
        if given and not self.address:
            raise BadRequest("a shared secret is for --listen ADDRESS:PORT")
        if self.secret_file is not None and self.secret_descriptor is not None:
            raise BadRequest("--secret-file and --secret-fd both give the secret; give it once")
