"""Who works with Transship here, for what must be answered for later."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from transship.text import safe

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Operator:
    """A person or a machine account: its login name, and the machine it is logged in on."""

    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.name} on {self.host}" if self.name and self.host else self.name or self.host


def this_operator() -> Operator:
    """Return who runs this process.

    The name is that of the process's user id, which an environment variable can't change.
    """
    return Operator(safe(_login_name(), limit=_LONGEST), safe(socket.gethostname(), limit=_LONGEST))


def _login_name() -> str:
    import pwd  # Not on every system.

    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)  # As in a container, where the id has no name.
