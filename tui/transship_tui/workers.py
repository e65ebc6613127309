"""Workers that fail with what nobody foresaw are not silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.worker import Worker, WorkerState

from transship_tui.context import context_of

if TYPE_CHECKING:
    from textual.dom import DOMNode


class WorkerFailures:
    """For a screen or widget with workers: says what one of them has failed with.

    Textual tells only the node that a worker was started from, so each has this of its own.
    """

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what a worker has failed with, and let nothing stand as if it still worked."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None:
            shell = context_of(cast("DOMNode", self)).shell
            shell.tell_unforeseen(error, event.worker.name)
            self.work_failed(event.worker.group)

    def work_failed(self, group: str) -> None:
        """Take back what says that the work of this group goes on. Widgets fill this in."""
