"""Folders on disk."""

from __future__ import annotations

from transship.errors.base import TransshipError


class NotALayout(TransshipError):
    """A folder that is no OCI image layout."""

    title = "Not an OCI image layout"
    remedy = "The folder needs an oci-layout file and an index.json; see `skopeo copy ... oci:`."


class DiskFull(TransshipError):
    """No room on the disk."""

    title = "The disk is full"
    remedy = "Make room, then resume."


class SystemRefused(TransshipError):
    """The operating system didn't let us do something with a file or a process."""

    title = "The system refused"
    remedy = "Check the rights and the room there; TRANSSHIP_HOME moves what Transship keeps."
