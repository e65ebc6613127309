"""Everything that can go wrong, one type per cause.

Each error carries what an operator needs: a `title` (what happened), a `detail` (where, and in
the registry's words), a `remedy` (what to do), and whether trying again may help. Line commands
and screens render these; nobody sees a traceback.
"""

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


# What was asked


class BadReference(UsageError):
    """A reference that can't be read as one."""

    title = "Not an image reference"
    remedy = "Write HOST[:PORT]/REPOSITORY[:TAG or @DIGEST], or layout:PATH[//REPOSITORY[:TAG]]."


class BadPlatform(UsageError):
    """A platform that can't be read as one."""

    title = "Not a platform"
    remedy = "Write OS/ARCHITECTURE[/VARIANT], for example linux/arm64 or linux/arm/v7."


class BadFile(UsageError):
    """A file of the operator's that can't be understood; `detail` names the place in it."""

    title = "A file can't be understood"
    remedy = "Mend the named place in the file, then try again."


class BadRequest(UsageError):
    """Options or arguments that don't go together."""

    title = "That can't be asked"
    remedy = "See --help for what goes together."


class AccountNotFound(UsageError):
    """A host or alias that no account has."""

    title = "No such account"
    remedy = "`transship registries` lists the accounts; `transship login HOST` adds one."


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


# The way to a registry


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


# Who we are, and what we may do


class SignInNeeded(TransshipError):
    """The registry wants a credential and we have none for it."""

    title = "Sign-in needed"
    remedy = "Add the account with `transship login HOST`."


class WrongCredential(TransshipError):
    """The registry doesn't accept the credential that we have."""

    title = "User name or password not accepted"
    remedy = "Sign in again with `transship login HOST`; a token may have expired."


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


# What the registry says


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


# Folders on disk


class NotALayout(TransshipError):
    """A folder that is no OCI image layout."""

    title = "Not an OCI image layout"
    remedy = "The folder needs an oci-layout file and an index.json; see `skopeo copy ... oci:`."


class DiskFull(TransshipError):
    """No room on the disk."""

    title = "The disk is full"
    remedy = "Make room, then resume."


# Secrets


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


class HelperFailed(TransshipError):
    """A docker credential helper failed."""

    title = "The credential helper failed"
    remedy = "Run the helper by hand to see why; it is named in docker's config.json."


# The job itself


class TagConflict(TransshipError):
    """The target has the tag with another digest and the operator said not to overwrite."""

    title = "The tag exists with another digest"
    remedy = "Copy to another tag, or allow it with --on-conflict overwrite."


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
