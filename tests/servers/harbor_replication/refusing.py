"""What the API refuses, by the statuses and codes that Harbor has for it."""

from __future__ import annotations

import json

from servers.faults import Answer

JSON = {"Content-Type": "application/json; charset=utf-8"}


class Refused(Exception):
    """An answer that is a refusal. `message` is in Harbor's words."""

    status = 500
    code = "UNKNOWN"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def answer(self) -> Answer:
        """Return it as it goes out."""
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return Answer(self.status, JSON, json.dumps(body).encode())


class BadRequest(Refused):
    status, code = 400, "BAD_REQUEST"


class Unauthorized(Refused):
    status, code = 401, "UNAUTHORIZED"


class Forbidden(Refused):
    status, code = 403, "FORBIDDEN"


class NotFound(Refused):
    status, code = 404, "NOT_FOUND"


class Conflict(Refused):
    status, code = 409, "CONFLICT"


class Precondition(Refused):
    status, code = 412, "PRECONDITION"


class InternalError(Refused):
    status, code = 500, "UNKNOWN"
