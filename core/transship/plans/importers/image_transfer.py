"""image-transfer: `transfer-rule.yaml`, `registry-secret.yaml` and `tencentcloud-secret.yaml`.

The rules are a flat map, one target per source: a tag, tags with commas between them, or a whole
repository. What the tool accepts and then fails on is carried over as it was meant.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from transship.errors import BadReference
from transship.oci.reference import Reference
from transship.plans.importers.document import DocumentValue
from transship.plans.importers.draft import (
    ImportDraft,
    SourceName,
    image_of,
    is_secrets,
    read_secrets,
    source_name,
)
from transship.plans.importers.importer import Importer
from transship.plans.plan import TagFilter

_NAMES = frozenset(
    f"{name}.{suffix}"
    for name in ("transfer-rule", "registry-secret", "tencentcloud-secret")
    for suffix in ("yaml", "yml")
)
_CLOUD_KEYS = frozenset({"ccr", "tcr"})


def recognises(value: DocumentValue) -> bool:
    """Tell whether a file is one of this tool's; image-syncer's plain ones look the same."""
    known = is_cloud_secrets(value) or is_secrets(value) or is_rules(value)
    return known or (is_named(value) and is_listed_rules(value))


def is_named(value: DocumentValue) -> bool:
    """Tell whether a file has one of the names that the tool's own documentation gives it."""
    return PurePath(value.file).name in _NAMES


def is_rules(value: DocumentValue) -> bool:
    """Tell whether a value is a map from sources to one target each."""
    entries = value.entries or {}
    texts = all(each.entries is None and each.items is None for each in entries.values())
    return texts and any("/" in source for source in entries)


def is_listed_rules(value: DocumentValue) -> bool:
    """Tell whether a value is a map from sources to targets, of which some have several."""
    entries = value.entries or {}
    return any("/" in source for source in entries) and all(
        each.entries is None and all(item.text is not None for item in each.items or ())
        for each in entries.values()
    )


def is_cloud_secrets(value: DocumentValue) -> bool:
    """Tell whether a value holds the keys of the cloud's API, for the tool's quick mode."""
    entries = value.entries or {}
    return bool(entries) and entries.keys() <= _CLOUD_KEYS


def read(draft: ImportDraft, value: DocumentValue) -> None:
    """Take one file of the tool. Raises BadFile for what can't be one."""
    if is_cloud_secrets(value):
        draft.left_out(
            value,
            "keys of the cloud's API, for the quick mode from CCR to TCR; they sign in to no "
            "registry. Sign in with `transship login`, and write a rule for what is to move",
            entry=", ".join(value.mapping()),
        )
    elif is_secrets(value):
        read_secrets(draft, value)
    else:
        for source, target in value.mapping().items():
            if target.items:
                draft.changed(
                    target,
                    "the tool takes one target for each source; the plan copies to each",
                    entry=source,
                )
            for each in target.items or (target,):
                _rule(draft, source, each)


def _rule(draft: ImportDraft, written: str, value: DocumentValue) -> None:
    destination = value.words().strip()
    try:
        source = source_name(written)
        target = _target(draft, source, destination)
    except BadReference as error:
        draft.left_out(value, error.detail, entry=written)
        return
    if target is None:
        draft.left_out(
            value,
            "it goes to the registry of the option --registry, which isn't in the file; "
            "say it with --to HOST",
            entry=written,
        )
        return
    _tell(draft, written, source, target, value)
    at = replace(value, path=written)
    if source.digest or (len(source.tags) == 1 and target.tag):
        image = Reference(source.registry, source.repository, "".join(source.tags), source.digest)
        draft.image(at, image, target)
    elif target.version:
        draft.left_out(value, "several tags can't go to one", entry=written)
    else:
        draft.repository(at, source.whole, target, TagFilter(exact=source.tags))


def _target(draft: ImportDraft, source: SourceName, destination: str) -> Reference | None:
    if destination:
        return image_of(destination)
    if draft.to is None:
        return None
    path = f"{draft.to.repository}/{source.repository}".strip("/")
    return Reference(draft.to.registry, path)


def _tell(
    draft: ImportDraft, written: str, source: SourceName, target: Reference, value: DocumentValue
) -> None:
    """Say where the plan does what was meant, and the tool didn't."""
    if source.digest:
        draft.changed(value, "the tool can't read digests; the plan copies it", entry=written)
    if len(source.tags) > 1:
        draft.changed(
            value, "the tool fails on tags with commas; the plan copies each", entry=written
        )
    elif source.tags and not target.tag and not value.is_empty:
        draft.changed(
            value,
            "the tool fails on a target without a tag; the plan keeps the source's",
            entry=written,
        )
    host, slash, _ = written.partition("/")
    if slash and ":" in host and "." not in host and written.count("/") == 1:
        draft.changed(
            value, f"the tool looks for it on Docker Hub; the plan asks {host}", entry=written
        )


IMAGE_TRANSFER = Importer("image-transfer", recognises, read, takes_target=True)
