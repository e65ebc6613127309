"""What one registry holds: content by its digest, and the names that repositories give to it.

Content is kept once, as a file, whoever refers to it. A repository sees only what is linked to it;
the links, manifests and tags are rows in a database, so that lists come sorted and page by page.
Removing something removes its name: the file stays, as it does in a registry whose garbage
collector hasn't run.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from pathlib import Path

from transship.errors import DigestMismatch
from transship.oci.digest import Digest, digest_of, is_digest
from transship.oci.manifest import Descriptor, Manifest, parse_manifest

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS blobs (
    repository TEXT, digest TEXT, PRIMARY KEY (repository, digest)
);
CREATE TABLE IF NOT EXISTS manifests (
    repository TEXT, digest TEXT, media_type TEXT, subject TEXT, PRIMARY KEY (repository, digest)
);
CREATE TABLE IF NOT EXISTS tags (
    repository TEXT, tag TEXT, digest TEXT, PRIMARY KEY (repository, tag)
);
"""


class Store:
    """A registry's content in `folder`, which is made if it isn't there.

    Names are taken as they are: whoever calls has checked them (`oci.reference`). The store may
    be used from several threads, one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._content = folder / "content"
        self._incoming = folder / "incoming"
        for made in (self._content, self._incoming):
            made.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / "names.sqlite", isolation_level=None, check_same_thread=False
        )
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # Content

    def path(self, digest: Digest) -> Path:
        """Return where content is kept, whether it is there or not."""
        algorithm, _, encoded = digest.partition(":")
        return self._content / algorithm / encoded[:2] / encoded

    def keep(self, file: Path, digest: Digest) -> None:
        """Take a finished file in as the content that `digest` names.

        Raises DigestMismatch, and leaves the file where it is, when its bytes are others.
        """
        with file.open("rb") as opened:
            hashed = hashlib.file_digest(opened, digest.partition(":")[0])
        if hashed.hexdigest() != digest.partition(":")[2]:
            raise DigestMismatch(digest)
        self._place(file, digest)

    def _write(self, data: bytes, digest: Digest) -> None:
        if self.path(digest).exists():
            return
        file = self._incoming / uuid.uuid4().hex
        file.write_bytes(data)
        self._place(file, digest)

    def _place(self, file: Path, digest: Digest) -> None:
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.replace(path)

    # Blobs

    def add_blob(self, repository: str, data: bytes) -> Digest:
        """Write a blob into a repository and return its digest."""
        digest = digest_of(data)
        self._write(data, digest)
        self.link_blob(repository, digest)
        return digest

    def link_blob(self, repository: str, digest: Digest) -> None:
        """Let a repository see content that is there."""
        self._db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (repository, digest))

    def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return a blob's length in bytes, or None if the repository doesn't see it."""
        seen = self._one(
            "SELECT 1 FROM blobs WHERE repository = ? AND digest = ?", repository, digest
        )
        return self.path(digest).stat().st_size if seen else None

    def remove_blob(self, repository: str, digest: Digest) -> bool:
        """Let a repository see a blob no longer. Returns whether it did."""
        where = "DELETE FROM blobs WHERE repository = ? AND digest = ?"
        return self._db.execute(where, (repository, digest)).rowcount > 0

    # Manifests and tags

    def put_manifest(self, repository: str, manifest: Manifest, tag: str = "") -> None:
        """Write a manifest into a repository and, if one is given, let a tag point at it."""
        self._write(manifest.body, manifest.digest)
        subject = manifest.subject.digest if manifest.subject else ""
        row = (repository, manifest.digest, manifest.media_type, subject)
        self._db.execute("INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?)", row)
        if tag:
            self._db.execute(
                "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (repository, tag, manifest.digest)
            )

    def missing_parts(self, repository: str, manifest: Manifest) -> list[Digest]:
        """Return the blobs and child manifests that a manifest names and the repository lacks."""
        blobs = [b.digest for b in manifest.blobs if self.blob_size(repository, b.digest) is None]
        children = (child.digest for child in manifest.children)
        return blobs + [c for c in children if self.find_manifest(repository, c) is None]

    def find_manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return what a tag or a digest names, or None."""
        digest = reference if is_digest(reference) else self._tagged(repository, reference)
        media_type = self._one(
            "SELECT media_type FROM manifests WHERE repository = ? AND digest = ?",
            repository,
            digest,
        )
        return self._read(Digest(digest), media_type) if media_type else None

    def remove_manifest(self, repository: str, digest: Digest) -> bool:
        """Remove a manifest and the tags that point at it. Returns whether it was there."""
        key = (repository, digest)
        self._db.execute("DELETE FROM tags WHERE repository = ? AND digest = ?", key)
        where = "DELETE FROM manifests WHERE repository = ? AND digest = ?"
        return self._db.execute(where, key).rowcount > 0

    def remove_tag(self, repository: str, tag: str) -> bool:
        """Remove a tag and leave what it points at. Returns whether it was there."""
        where = "DELETE FROM tags WHERE repository = ? AND tag = ?"
        return self._db.execute(where, (repository, tag)).rowcount > 0

    # Lists

    def has_repository(self, repository: str) -> bool:
        """Tell whether a repository holds any manifest."""
        return bool(self._one("SELECT 1 FROM manifests WHERE repository = ?", repository))

    def repositories(self, after: str = "", limit: int = -1) -> list[str]:
        """Return the repositories that come after `after`, sorted; all if `limit` is negative."""
        return self._column(
            "SELECT DISTINCT repository FROM manifests WHERE repository > ? "
            "ORDER BY repository LIMIT ?",
            after,
            limit,
        )

    def tags(self, repository: str, after: str = "", limit: int = -1) -> list[str]:
        """Return a repository's tags that come after `after`, sorted as ASCII sorts."""
        return self._column(
            "SELECT tag FROM tags WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?",
            repository,
            after,
            limit,
        )

    def referrers(self, repository: str, subject: Digest) -> list[Descriptor]:
        """Return what refers to a manifest, in the order in which it first came."""
        rows = self._db.execute(
            "SELECT digest, media_type FROM manifests "
            "WHERE repository = ? AND subject = ? ORDER BY rowid",
            (repository, subject),
        )
        return [self._read(Digest(row[0]), row[1]).descriptor() for row in rows.fetchall()]

    def _read(self, digest: Digest, media_type: str) -> Manifest:
        return parse_manifest(self.path(digest).read_bytes(), media_type, digest)

    def _tagged(self, repository: str, tag: str) -> str:
        return self._one(
            "SELECT digest FROM tags WHERE repository = ? AND tag = ?", repository, tag
        )

    def _one(self, query: str, *values: object) -> str:
        row = self._db.execute(query, values).fetchone()
        return str(row[0]) if row else ""

    def _column(self, query: str, *values: object) -> list[str]:
        return [str(row[0]) for row in self._db.execute(query, values)]
