"""Everything that can go wrong, one type per cause.

Each error carries what an operator needs: a `title` (what happened), a `detail` (where, and in
the registry's words), a `remedy` (what to do), and whether trying again may help. Line commands
and screens render these; nobody sees a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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


class SignInNeeded(TransshipError):
    """The registry wants a credential and we have none for it."""

    title = "Sign-in needed"
    remedy = "Add the account with `transship login HOST`."


class WrongCredential(TransshipError):
    """The registry doesn't accept the credential that we have."""

    title = "User name or password not accepted"
    remedy = "Sign in again with `transship login HOST`; a token may have expired."
    sign_in_at: str = ""
    """The host of the account, where that is another than the registry's (`met_at`)."""


class ApiKeysNeeded(TransshipError):
    """The API of the registry's cloud needs an account of its own, and there is none."""

    title = "Keys of the cloud's API needed"
    remedy = "Add them with `transship login HOST-OF-THE-API`, or name the repositories yourself."


class NoLogin(WrongCredential):
    """There is no login for the registry any more where it is fetched from."""

    title = "No login for the registry"
    remedy = "Sign in again where the login comes from: the cloud's profile or role, or docker."


class KeysRefused(WrongCredential):
    """The API of a cloud doesn't take the keys that its own tools keep."""

    title = "Keys of the cloud's API not accepted"
    remedy = "Sign in again where the keys come from: the cloud's profile, role or environment."


class TokenExpired(TransshipError):
    """A token ended while it was in use."""

    title = "The sign-in ran out"
    remedy = "A new one is fetched by itself; if it stays so, check this machine's clock."
    retryable = True


class NoRight(TransshipError):
    """We are known, but may not do this."""

    title = "No right to do this"
    remedy = "Give the account the right, or use another one; some services hide what is missing."


class RealmRefused(TransshipError):
    """The token realm isn't a place to send a credential to."""

    title = "The token server was refused"
    remedy = "A registry on https names a token server on http; a password is not sent there."


class RepositoryNotFound(TransshipError):
    """No such repository, or hidden from us."""

    title = "Repository not found"
    remedy = "Check the path; a private repository looks the same without the right to see it."


class ManifestNotFound(TransshipError):
    """No such tag or digest in the repository."""

    title = "Tag or digest not found"
    remedy = "`transship ls HOST/REPOSITORY` lists the tags."


class BlobNotFound(TransshipError):
    """A blob that a manifest names isn't there."""

    title = "A layer is missing"
    remedy = "The image is damaged where it is read from; push it there again."


class CatalogClosed(TransshipError):
    """The registry doesn't list its repositories to us."""

    title = "The registry doesn't list its repositories"
    remedy = "Name the repositories: `transship login HOST --repository PATH` keeps them."


class UnsupportedManifest(TransshipError):
    """A manifest of a kind that isn't moved."""

    title = "This kind of manifest isn't supported"
    remedy = "Docker schema 1 images must be pulled and pushed again with a current client."


class InvalidManifest(TransshipError):
    """A manifest that doesn't follow the specification."""

    title = "The manifest is damaged"
    remedy = "Push the image to the source again."


class DigestMismatch(TransshipError):
    """Bytes that don't have the digest they were asked by."""

    title = "The bytes don't match their digest"
    remedy = "A proxy or the storage changes or cuts what is read; nothing of it was kept."
    retryable = True


class ManifestRejected(TransshipError):
    """The target refuses the manifest."""

    title = "The target refuses this manifest"
    remedy = "The target doesn't take this kind of image; the registry's words above say why."


class ManifestBlobUnknown(TransshipError):
    """The target misses a blob or child that the manifest names."""

    title = "The target misses a part of the image"
    remedy = "It is sent again by itself; if it stays so, the target's clean-up may be at work."


class ImmutableTag(TransshipError):
    """The target doesn't let this tag move."""

    title = "The tag is immutable at the target"
    remedy = "Choose another tag, or change the target's immutability rule."


class NamespaceMissing(TransshipError):
    """What a repository is in, or the repository itself, has to be made at the target first."""

    title = "The target has no place for it yet"
    remedy = "Create it at the target, or change where it goes: the target's path, or `map`."


class NotCreated(TransshipError):
    """What a repository is in couldn't be created, although the plan allows it."""

    title = "What the target needs first could not be created"
    remedy = "Give the account the right to create it, or create it at the target, then retry."


class TooLarge(TransshipError):
    """A body larger than the registry, or a proxy before it, takes."""

    title = "Too large for the target"
    remedy = "Raise the body limit of the registry or of the proxy before it."


class QuotaExceeded(TransshipError):
    """The target has no room for it."""

    title = "The target's quota is used up"
    remedy = "Make room or raise the quota of the project at the target, then retry."


class ReadOnly(TransshipError):
    """The registry takes no pushes."""

    title = "The registry takes no pushes"
    remedy = "It is read-only, or a proxy cache. Choose another target."


class UploadLost(TransshipError):
    """The registry no longer knows the upload session."""

    title = "The upload can't be continued"
    remedy = "It starts again by itself."
    retryable = True


class RateLimited(TransshipError):
    """Too many requests; `retry_after` is how many seconds the registry asks to wait."""

    title = "Too many requests"
    remedy = "The registry limits how much may be asked; wait, or sign in for a higher limit."
    retryable = True

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ServerFailed(TransshipError):
    """The registry answers with an error of its own (5xx); `retry_after` in seconds, if said."""

    title = "The registry failed"
    remedy = "It is tried again by itself; if it stays so, look at the registry's own log."
    retryable = True

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnexpectedAnswer(TransshipError):
    """An answer that the specification doesn't foresee."""

    title = "The registry answered in an unexpected way"
    remedy = "The registry's words above say more; report it if they don't."


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


class CloudRefused(UnexpectedAnswer):
    """The API of the cloud refuses what it was asked; `code` is its own word for why."""

    title = "The cloud's API refuses this"
    remedy = "The code and the words above are the API's own; its documentation says more of them."

    def __init__(self, detail: str = "", *, code: str = "", remedy: str | None = None) -> None:
        super().__init__(detail, remedy=remedy)
        self.code = code


class CloudLacks(CloudRefused):
    """The cloud doesn't have what it was asked about."""

    title = "The cloud doesn't have it"
    remedy = "Check its name, and whether the keys are of the account that it belongs to."


class CloudHasIt(CloudRefused):
    """What was to be made is there already, or another has the name."""

    title = "It is there already, or the name is taken"
    remedy = "Use what is there, or choose another name."


class NoInstance(UnexpectedAnswer):
    """No instance that the keys see answers at a host."""

    title = "No instance has this domain"
    remedy = "Check the host, and whether the keys see the instance: its account, site and rights."


class SeveralInstances(UnexpectedAnswer):
    """More than one instance answers at a host, and they hold different images."""

    title = "Several instances have this domain"
    remedy = "Use the default domain of the one that is meant."


class ListIncomplete(TransshipError):
    """A list didn't come as long as the cloud says that it is, read again and again."""

    title = "The cloud's list didn't come whole"
    remedy = "Try again once nothing is being made or deleted there."
    retryable = True


class NameNotFound(TransshipError):
    """The host name doesn't resolve."""

    title = "Host name not found"
    remedy = "Check the spelling, and that this machine's resolver knows the name."
    retryable = True


class ConnectionRefused(TransshipError):
    """Nothing listens at the address."""

    title = "Connection refused"
    remedy = "Check host and port, and that the registry is running and reachable from here."
    retryable = True


class ConnectionLost(TransshipError):
    """The connection ended before the answer did."""

    title = "Connection lost"
    remedy = "Check the network between here and the registry; it is tried again by itself."
    retryable = True


class TimedOut(TransshipError):
    """No answer in time."""

    title = "No answer in time"
    remedy = "Check that a firewall or proxy doesn't swallow the connection."
    retryable = True


class ProxyFailed(TransshipError):
    """The proxy from the environment doesn't let us through."""

    title = "The proxy failed"
    remedy = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and that the proxy allows this host."


class CertificateNotTrusted(TransshipError):
    """The server's certificate doesn't verify."""

    title = "Certificate not trusted"
    remedy = (
        "If it is signed by your own authority, pass that with --ca FILE; "
        "--insecure turns verification off for this registry."
    )


class ClientCertificateRefused(TransshipError):
    """The server ended the TLS handshake because of our certificate, or the lack of one."""

    title = "The server refused the TLS handshake"
    remedy = "If it asks for a client certificate, pass one with --client-cert and --client-key."


class PlainHttp(TransshipError):
    """The server speaks http where https was expected."""

    title = "The server speaks plain http"
    remedy = "If that is meant, pass --plain-http for this registry."


class NotARegistry(TransshipError):
    """Something answers, but not the distribution API."""

    title = "Not a registry"
    remedy = "The host answers, but not as a registry does. Check the host name and the port."


class RedirectRefused(TransshipError):
    """A redirect that would leak or loop."""

    title = "A redirect was not followed"
    remedy = "The registry points to a place that isn't safe to follow; ask its operator."


class CutoverNotFound(UsageError):
    """No cutover has this id or domain, or several begin like it."""

    title = "No such cutover"
    remedy = "`transship cutover` lists the cutovers; name one by its domain or its id."


class CutoverBusy(UsageError):
    """Another process changes the record, or watches it."""

    title = "Another process works on the cutover"
    remedy = "Look at it there, or end that process first; nothing of the cutover is lost by it."


class ExtraMissing(UsageError):
    """Something is asked for that an optional dependency does."""

    title = "A part of Transship isn't installed"
    remedy = "Install it in the environment that Transship is in."


class PluginBroken(TransshipError):
    """What another distribution adds can't be loaded, or mustn't be taken. It is left out."""

    title = "A plugin can't be used"
    remedy = "Update it, or remove it; everything else works without it."


class ByHandOnly(UsageError):
    """The record is to be changed by a person, and not from here."""

    title = "This record is changed by hand"
    remedy = "Make the edit that is shown at the DNS provider; the watch sees it by itself."


class WritesOff(CheckFailed):
    """A change was asked for while --read-only is on."""

    title = "Nothing is written with --read-only"
    remedy = "Start Transship without --read-only to change the record from here."


class RecordChanged(CheckFailed):
    """A record isn't what it was when the change was planned."""

    title = "The record isn't what it was expected to be"
    remedy = (
        "Somebody else changed it, and nothing was written. Look again: what it holds now is shown "
        "before it is changed."
    )


class RecordNotPlain(CheckFailed):
    """A record has more to it than its values: an alias, a routing policy, a disabled part."""

    title = "The record has more to it than its values"
    remedy = "Change it in the provider's console, where the rest of it can be seen and kept."


class ChangePending(CheckFailed):
    """An earlier change of the record was begun, and nobody has looked what became of it."""

    title = "An earlier change hasn't come to its end"
    remedy = "Open the cutover: it looks at the name servers and says what became of the change."


class ChangeBlocked(CheckFailed):
    """A check stands in the way of the change."""

    title = "A check stands in the way of the change"
    remedy = "See `transship check`, or the board in the app; nothing was changed."


class NothingToPutBack(CheckFailed):
    """The record is what it was before the change, or was never changed."""

    title = "There is nothing to put back"
    remedy = "Nothing was changed by this."


class RollbackBlocked(CheckFailed):
    """Going back would lose what is on the new side only."""

    title = "Going back now would lose something"
    remedy = "Copy it to the old registry first, or say that it may be lost."


class LossUnknown(RollbackBlocked):
    """Both registries can't be compared, so that nobody knows what going back would lose."""

    title = "What going back would lose isn't known"
    remedy = (
        "Try again when both registries answer. If it can't wait, go back without knowing: "
        "--accept-loss."
    )


class PullFailed(TransshipError):
    """An image couldn't be pulled by the domain."""

    title = "A pull by the domain failed"
    remedy = "`transship check` says what is wrong there; the record can be put back."


class KeyMissing(TransshipError):
    """The keyring has no key for a DNS provider."""

    title = "No key for the DNS provider"
    remedy = "Give the key once; it is kept in the keyring."


class KeyRefused(TransshipError):
    """A DNS provider doesn't accept a TSIG key, an API key or a sign-in."""

    title = "The DNS provider doesn't accept the key"
    remedy = "Check its name, algorithm and secret, and for TSIG that both clocks agree."


class ProviderRefused(TransshipError):
    """A DNS provider understood, and said no."""

    title = "The DNS provider refused"
    remedy = "Check that the key may change this name, and that the zone's name is right."


class ProviderUnreachable(TransshipError):
    """A DNS provider gave no answer, and nothing was changed."""

    title = "The DNS provider can't be reached"
    remedy = "Check its address, and that a firewall lets this machine through to it."
    retryable = True


class ChangeUncertain(TransshipError):
    """A change was sent, and no answer says whether it was made."""

    title = "It isn't known whether the record was changed"
    remedy = "The name servers are asked what they say; look there before anything else is done."


class ChangeNotMade(TransshipError):
    """A change was sent, and every name server still says the old value."""

    title = "The record wasn't changed"
    remedy = "Every name server says the old value still. Try again, or make the edit by hand."
    retryable = True


class ChangeUndone(TransshipError):
    """A change went wrong at a name server, and the old record was put back."""

    title = "The change went wrong and was undone"
    remedy = "Pulls go where they went before. Make the edit in the provider's console instead."


class NotPutBack(TransshipError):
    """The old record couldn't be put back."""

    title = "The old record isn't back"
    remedy = "Put the records above back by hand at the DNS provider, now."


class DelegationNotFound(UsageError):
    """No delegation has this id, or several begin with it."""

    title = "No such delegation"
    remedy = "`transship delegate list` shows them; write more of the id."


class DelegationBusy(TransshipError):
    """Another Transship works on the same delegation."""

    title = "Another Transship works on this delegation"
    remedy = "Let it finish, then try again."


class ExecutionNotFound(UsageError):
    """The engine knows no execution of this id."""

    title = "No such execution"
    remedy = "List the executions again; engines forget old ones."


class ChangedMeanwhile(CheckFailed):
    """Something at the engine isn't as it was when the change was shown."""

    title = "It was changed by somebody else"
    remedy = "Look at what would be changed again, and decide anew. Nothing more was changed."


class NotAsAsked(TransshipError):
    """What was read back isn't what was asked for."""

    title = "The engine didn't keep what it was asked for"
    remedy = "Look at it there; undo takes back what this delegation made."


class NameTaken(CheckFailed):
    """The engine has something else of this name, which wasn't made from here."""

    title = "The engine has another of this name"
    remedy = "Choose another name. What others have made is never changed from here."


class CantBeDelegated(CheckFailed):
    """The engine can't do this move."""

    title = "This engine can't do it"
    remedy = "Let Transship move it, or choose another engine."


class EngineRefused(TransshipError):
    """The engine said no to a change or a start."""

    title = "The engine refused"
    remedy = "Do what it says, then try again."


class AlreadyThere(EngineRefused):
    """What was to be made is at the engine already: it wasn't made by this."""

    title = "It is there already"
    remedy = "Look at what is there: use it, or choose another name."


class TakenBack(UsageError):
    """A delegation is to be gone on with that was taken back."""

    title = "It was taken back"
    remedy = "Ask for it anew: what would be made is shown again."


class NotWhole(CheckFailed):
    """Something of what is to be moved couldn't be listed, so that a plan would leave it behind."""

    title = "Not everything could be listed"
    remedy = "Try again, or ask for a plan without what is named here."


class WouldBePublic(CheckFailed):
    """What only some may pull would be open to everyone at its target."""

    title = "Private images would become public"
    remedy = "Choose another namespace for them, or ask for it to be so."


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


class InternalFault(TransshipError):
    """Something that nobody foresaw. `detail` never has its own words: they may quote a secret."""

    title = "Transship has a fault"
    remedy = "Please report it, with what was done before."


class StageSkipped(CheckFailed):
    """The image is in an earlier stage, and not in the one before."""

    title = "A stage would be skipped"
    remedy = "Promote it stage by stage; `transship flow FLOW` shows where it is."


class NotInStage(CheckFailed):
    """The image isn't in the stage that it would come from."""

    title = "The image isn't in the stage before"
    remedy = "`transship flow FLOW` shows what is in which stage."


class TagMoved(CheckFailed):
    """The tag doesn't point at the digest that was named."""

    title = "The tag points at another digest"
    remedy = "Look at what it points at; then name that digest, or none."


class StageTaken(CheckFailed):
    """The stage has the tag with another digest, and it wasn't said that it may move."""

    title = "The stage has the tag with another digest"
    remedy = "If that is to be replaced, say so with --overwrite."


class LedgerTaken(UsageError):
    """A flow's ledger is that of another file, and no ledger is of two."""

    title = "The ledger is another flow's"
    remedy = "Write a `name` of its own into one of the two files."


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


class NothingSelected(TransshipError):
    """No rule of a plan selects anything."""

    title = "Nothing selected"
    remedy = "`transship plan` shows what each rule left out, and why."


class PathRefused(TransshipError):
    """A registry can't have a repository of this name."""

    title = "Name not possible at the target"
    remedy = "Change where it goes: the target's path, or `map` in the rule."


class CopiedInCircles(TransshipError):
    """A tag would be overwritten by what the same plan copies back."""

    title = "Written and read by the same plan"
    remedy = (
        'Leave one of the rules out, or set on_conflict = "skip" or "fail". '
        "`transship copy` settles which of the two it is to be."
    )


class DeletionRefused(TransshipError):
    """A registry doesn't let a tag be deleted."""

    title = "Deletion refused"
    remedy = "Allow deletion at the registry (and give the account the right), or leave it there."


class TagNotGone(TransshipError):
    """A registry says that it has deleted a tag, and has it."""

    title = "Not deleted"
    remedy = "Try again; if it stays, somebody writes the tag anew, or it is locked there."
    retryable = True


class TooManyDeletions(CheckFailed):
    """A run would delete more than its plan allows at once."""

    title = "Too much would be deleted"
    remedy = (
        "Look at the list in `transship plan`. If it is right, raise `at_most` in [delete] "
        "and run the plan anew."
    )


class RestoreFailed(TransshipError):
    """What a tag pointed at before can't be put back."""

    title = "Can't be put back"
    remedy = "Copy it again from where it came from."


class KeyringLocked(TransshipError):
    """The keyring is there but locked."""

    title = "The keyring is locked"
    remedy = "Unlock it (`gnome-keyring-daemon --unlock`), or keep the secret for this run only."


class KeyringHung(TransshipError):
    """The keyring doesn't answer; it may be asking on another screen."""

    title = "The keyring doesn't answer"
    remedy = "It may be asking on another screen. Answer there, or keep the secret for this run."


class KeyringAbsent(TransshipError):
    """There is no keyring here."""

    title = "There is no keyring here"
    remedy = (
        "Start one (`dbus-run-session -- sh`, then gnome-keyring-daemon), or use this run only."
    )


class KeyringInsecure(TransshipError):
    """The keyring backend would write the secret in a form that anyone can read."""

    title = "The keyring isn't safe"
    remedy = "Remove keyrings.alt, or name a safe backend for `keyring`; `keyring diagnose` helps."


class KeyringFailed(TransshipError):
    """The keyring is there and answers, but with an error of its own."""

    title = "The keyring failed"
    remedy = "`keyring diagnose` shows which keyring is used; or keep the secret for this run only."


class SecretUnavailable(TransshipError):
    """An account needs a secret that no source gives."""

    title = "No password for the account"
    remedy = "Sign in again with `transship login HOST`."


class SecretMissing(SecretUnavailable):
    """An account's secret isn't kept where it is to be, but whoever is there can type it.

    `host` is the account's.
    """

    title = "The password isn't kept"
    remedy = "Type it when you are asked for it."

    def __init__(self, detail: str = "", host: str = "") -> None:
        remedy = f"Type it when you are asked, or sign in with `transship login {host}`."
        super().__init__(detail, remedy=remedy if host else None)
        self.host = host


class HelperFailed(TransshipError):
    """A docker credential helper failed."""

    title = "The credential helper failed"
    remedy = "Run the helper by hand to see why; it is named in docker's config.json."
