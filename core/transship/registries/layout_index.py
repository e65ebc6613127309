"""The index.json of an OCI image layout: which names it gives to which manifests.

OCI image spec, image-layout.md, "index.json file". Pure rules: bytes in, bytes out.

An entry's annotation `org.opencontainers.image.ref.name` is read as `repository:tag`, or as a bare
`tag` of the repository without a name, "". A name without a tag means `latest`, as everywhere.
Where that annotation names no repository, `io.containerd.image.name` may, which `docker save` and
buildx write beside it: several images of one folder would all be called `latest` without it.

An entry without a name belongs to the repository in our own annotation `dev.transship.repository`,
or else to "", and is reached by its digest. Other tools keep that annotation and don't mind it.
Entries are written back as they were read, with all that isn't understood here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from transship.errors import BadReference, InvalidManifest
from transship.oci.digest import Digest, is_digest
from transship.oci.manifest import Descriptor, Manifest, descriptor_document, parse_manifest
from transship.oci.media_types import OCI_INDEX
from transship.oci.reference import is_repository, is_tag, parse_reference

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
REPOSITORY = "dev.transship.repository"

_DEFAULT_TAG = "latest"


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A manifest that is to be in the index, under a tag or its own digest.

    Without a manifest, the tag is to go.
    """

    repository: str
    reference: str
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of index.json. Without a `tag` it is reached by its digest only."""

    repository: str
    tag: str
    descriptor: Descriptor
    document: Mapping[str, object]
    """The entry as it stands in index.json."""

    @property
    def name(self) -> str:
        """What it is asked for by, in its repository: the tag, else the digest."""
        return self.tag or self.descriptor.digest

    @property
    def is_ours(self) -> bool:
        """Whether Transship wrote it, for a manifest that has no tag."""
        return not self.tag and REPOSITORY in self.descriptor.annotations


@dataclass(frozen=True, slots=True)
class LayoutIndex:
    """An index.json: entries by repository and name, in order. Of two with one name, the first."""

    entries: Mapping[tuple[str, str], Entry] = field(default_factory=dict)
    duplicates: tuple[Mapping[str, object], ...] = ()
    document: Mapping[str, object] = field(
        default_factory=lambda: {"schemaVersion": 2, "mediaType": OCI_INDEX}
    )
    """What else stands in the file."""

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories, in order; "" is the one of what has no repository's name."""
        return tuple(dict.fromkeys(entry.repository for entry in self.entries.values()))

    def of(self, repository: str) -> Iterator[Entry]:
        """Give the entries of a repository."""
        return (entry for entry in self.entries.values() if entry.repository == repository)

    def with_changes(self, changes: Iterable[Change]) -> LayoutIndex:
        """Return the index after `changes`.

        A tag that moves takes its entry along; what it pointed at stays as an entry without a tag,
        as it would in a registry, so that the tag can be moved back. What an index of the
        repository reaches needs no entry of its own and loses the one that we gave it before.
        """
        entries = dict(self.entries)
        for change in changes:
            _apply(entries, change)
        return replace(self, entries=entries)

    def encode(self) -> bytes:
        """Return the file's bytes."""
        entries = [entry.document for entry in self.entries.values()]
        return msgspec.json.encode({**self.document, "manifests": [*entries, *self.duplicates]})


def parse_index(body: bytes) -> LayoutIndex:
    """Return the index in `body`. Raises InvalidManifest and UnsupportedManifest."""
    descriptors = parse_manifest(body, OCI_INDEX).entries
    try:
        document: dict[str, object] = msgspec.json.decode(body, type=dict[str, object])
        documents = msgspec.convert(document.pop("manifests", None) or [], list[dict[str, object]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifest(str(error)) from error
    entries: dict[tuple[str, str], Entry] = {}
    duplicates = []
    for descriptor, raw in zip(descriptors, documents, strict=True):
        repository, tag = _name(descriptor.annotations)
        if (repository, tag) in entries:
            tag = ""
        entry = Entry(repository, tag, descriptor, raw)
        if (repository, entry.name) in entries:
            duplicates.append(raw)
        else:
            entries[repository, entry.name] = entry
    return LayoutIndex(entries, tuple(duplicates), document)


def _apply(entries: dict[tuple[str, str], Entry], change: Change) -> None:
    repository, manifest = change.repository, change.manifest
    if manifest is None:
        _untag(entries, entries.pop((repository, change.reference), None))
        return
    for child in manifest.children:
        _drop(entries, repository, child.digest)
    if is_digest(change.reference):
        entries.setdefault((repository, manifest.digest), _untagged(repository, manifest))
        return
    key = repository, change.reference
    before = entries.get(key)
    entries[key] = _tagged(repository, change.reference, manifest)
    _drop(entries, repository, manifest.digest)
    if before and before.descriptor.digest != manifest.digest:
        _untag(entries, before)


def _untag(entries: dict[tuple[str, str], Entry], entry: Entry | None) -> None:
    """Let what a tag pointed at be reached by its digest."""
    if entry is not None:
        key = entry.repository, str(entry.descriptor.digest)
        entries.setdefault(key, _without_tag(entry))


def _drop(entries: dict[tuple[str, str], Entry], repository: str, digest: Digest) -> None:
    entry = entries.get((repository, digest))
    if entry and entry.is_ours:
        del entries[repository, digest]


def _tagged(repository: str, tag: str, manifest: Manifest) -> Entry:
    name = f"{repository}:{tag}" if repository else tag
    return _entry(repository, tag, _descriptor(manifest), {REF_NAME: name})


def _untagged(repository: str, manifest: Manifest) -> Entry:
    return _entry(repository, "", _descriptor(manifest), {REPOSITORY: repository})


def _without_tag(entry: Entry) -> Entry:
    return _entry(entry.repository, "", entry.descriptor, {REPOSITORY: entry.repository})


def _descriptor(manifest: Manifest) -> Descriptor:
    listed = manifest.descriptor()
    # The config's type stands in for the artifact's among referrers; elsewhere it says nothing.
    return listed if manifest.subject else replace(listed, artifact_type=manifest.artifact_type)


def _entry(repository: str, tag: str, descriptor: Descriptor, annotations: dict[str, str]) -> Entry:
    descriptor = replace(descriptor, annotations=annotations)
    return Entry(repository, tag, descriptor, descriptor_document(descriptor))


def _name(annotations: Mapping[str, str]) -> tuple[str, str]:
    """Return the repository and the tag that an entry's annotations name, "" for none."""
    repository, tag = _split(annotations.get(REF_NAME, ""))
    if not repository:
        full = _split_full(annotations.get(CONTAINERD_NAME, ""))
        repository, tag = full if full[0] else (repository, tag)
    if not (repository or tag):
        repository = annotations.get(REPOSITORY, "")
        repository = repository if is_repository(repository) else ""
    return repository, tag


def _split(name: str) -> tuple[str, str]:
    if is_tag(name):
        return "", name
    repository, _, tag = name.rpartition(":")
    if is_repository(repository) and is_tag(tag):
        return repository, tag
    return (name, _DEFAULT_TAG) if is_repository(name) else _split_full(name)


def _split_full(name: str) -> tuple[str, str]:
    try:
        reference = parse_reference(name)
    except BadReference:
        return "", ""
    if reference.layout is not None or not reference.repository:
        return "", ""
    return reference.repository, reference.tag or ("" if reference.digest else _DEFAULT_TAG)
