"""What can go wrong in a job itself."""

from __future__ import annotations

from transship.errors.base import TransshipError


class TagConflict(TransshipError):
    """The target has the tag with another digest and the operator said not to overwrite."""

    title = "The tag exists with another digest"
    remedy = (
        'Copy to another tag, or allow it: on_conflict = "overwrite" in a plan, '
        "--on-conflict overwrite with `transship copy`."
    )


class PlatformMissing(TransshipError):
    """The image has none of the platforms that were asked for."""

    title = "The image isn't there for this platform"
    remedy = "`transship inspect REF` lists its platforms."


class SourceMoved(TransshipError):
    """What a copy was planned with is no longer at the source."""

    title = "The source changed during the job"
    remedy = "Run the copy again: it takes what is there now."


class RunnerFailed(TransshipError):
    """The job's process ended without saying how."""

    title = "The job's process ended"
    remedy = "`transship resume JOB` goes on from where it was."
