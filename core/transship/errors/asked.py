"""What was asked can't be done as it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transship.errors.base import UsageError


class BadReference(UsageError):
    """A reference that can't be read as one."""

    title = "Not an image reference"
    remedy = "Write HOST[:PORT]/REPOSITORY[:TAG or @DIGEST], or layout:PATH[//REPOSITORY[:TAG]]."


class BadHost(BadReference):
    """What is no registry, where nothing but one is asked for."""

    title = "Not the name of a registry"
    remedy = "Write HOST[:PORT] in full, as in registry.example.com:5000: no https://, no path."


class CatalogueOnly(UsageError):
    """A catalogue, where a registry is asked for."""

    title = "A catalogue, which holds no images"
    remedy = "Look for a package there with `transship find`, and add the registry that holds it."


class BadPlatform(UsageError):
    """A platform that can't be read as one."""

    title = "Not a platform"
    remedy = "Write OS/ARCHITECTURE[/VARIANT], for example linux/arm64 or linux/arm/v7."


@dataclass(frozen=True, slots=True)
class FileMistake:
    """One mistake in a file: at which line (from 1), what is wrong, and what was probably meant.

    `meant` is a word, and `remedy` what to do; either may not be known.
    """

    file: str
    line: int
    what: str
    meant: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class BadFile(UsageError):
    """A file of the operator's that can't be understood; `detail` names the place in it.

    Where all that is wrong was looked for, `mistakes` are each of them, in the order of the file,
    and `detail` names the first few.
    """

    title = "A file can't be understood"
    remedy = "Mend the named place in the file, then try again."

    def __init__(
        self,
        detail: str = "",
        *,
        remedy: str | None = None,
        mistakes: Sequence[FileMistake] = (),
    ) -> None:
        super().__init__(detail, remedy=remedy)
        self.mistakes = tuple(mistakes)


class BadRequest(UsageError):
    """Options or arguments that don't go together."""

    title = "That can't be asked"
    remedy = "See --help for what goes together."


class FileChanged(UsageError):
    """A file that was to be written says something else than when it was read."""

    title = "The file has changed meanwhile"
    remedy = "Open it again, then make the change again."


class BadPattern(UsageError):
    """A glob or a regular expression that can't be used as one."""

    title = "Not a pattern"
    remedy = (
        "Write a glob, for example team/** or v1.*, or regex: with a regular expression for the "
        "whole name; ! in front leaves out."
    )


class BadRange(UsageError):
    """A range of versions that can't be read as one."""

    title = "Not a range of versions"
    remedy = "Write for example >=1.2 <3, ^1.2, ~1.2, 1.x or 1.2 - 2.0; || is or."


class BadMapping(UsageError):
    """A mapping of names that can't give a repository's name, or a tag's."""

    title = "Not a mapping of names"
    remedy = (
        "Write keep, strip:N, flatten, join:N, or a template of {registry}, {namespace}, "
        "{repository}, {name}, {flat} and {tag}, with a colon before the tag."
    )


class BadDomain(UsageError):
    """What was given as a domain can't be one."""

    title = "Not a domain"
    remedy = "Write the host name that images are pulled by, for example images.example.com."


class BadResolver(UsageError):
    """What was given as a resolver can't be one."""

    title = "Not a resolver"
    remedy = "Write IP[:PORT], tcp://IP[:PORT], tls://NAME@IP[:PORT] or https://NAME@IP[:PORT]."


class AccountNotFound(UsageError):
    """A host or alias that no account has."""

    title = "No such account"
    remedy = "`transship registries` lists the accounts; `transship login HOST` adds one."


class PlanNotFound(UsageError):
    """No plan has this name, and no file is there."""

    title = "No such plan"
    remedy = "Give the path of a plan file, or the name of one in the folder of plans."


class AlreadyWatched(UsageError):
    """Another process watches the plan."""

    title = "The plan is being watched already"
    remedy = "`transship jobs` shows how it goes; stop the other one first."


class JobNotFound(UsageError):
    """No job has this id, or several ids begin like it."""

    title = "No such job"
    remedy = "`transship jobs` lists the jobs; an id can be shortened as long as it is clear."


class JobBusy(UsageError):
    """Another process works on the job."""

    title = "The job is already running"
    remedy = "Follow it with `transship attach`, or pause it first."


class JobEnded(UsageError):
    """The job has ended, so the wish can't be granted."""

    title = "The job has ended"
    remedy = "`transship jobs` shows how; `transship retry JOB` tries again what failed."
