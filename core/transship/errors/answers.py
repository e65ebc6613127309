"""What a registry says, and what is wrong with what it gives."""

from __future__ import annotations

from transship.errors.base import TransshipError


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
