"""image-syncer: `auth` and `images` in YAML or JSON, and the old file with both in it.

`images` maps a source to a target or a list of them. A source names all tags, some with commas
between them, a digest, or one regular expression. Tags of a target replace the source's in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from transship.errors import BadReference
from transship.oci.reference import Reference
from transship.plans.importers.document import DocumentValue
from transship.plans.importers.draft import (
    ImportDraft,
    SourceName,
    has_variable,
    is_secrets,
    part_pattern,
    read_secrets,
    source_name,
)
from transship.plans.importers.image_transfer import is_listed_rules, is_named, is_rules
from transship.plans.importers.importer import Importer
from transship.plans.plan import TagFilter

_COMBINED = ("auth", "images")


def recognises(value: DocumentValue) -> bool:
    """Tell whether a file is one of this tool's."""
    return is_combined(value) or is_images(value) or is_secrets(value)


def is_combined(value: DocumentValue) -> bool:
    """Tell whether a file is the old one, with sign-ins and images in it."""
    entries = value.entries or {}
    images = entries.get("images")
    return images is not None and images.entries is not None


def is_images(value: DocumentValue) -> bool:
    """Tell whether a value is a map from sources to targets."""
    return is_listed_rules(value)


def needs_this_tool(value: DocumentValue) -> bool:
    """Tell whether a file has what image-transfer's don't have."""
    if is_combined(value):
        return True
    if not is_images(value):
        return False
    if not is_rules(value):
        return True
    pairs = value.mapping().items()
    # An empty target means the default registry of image-transfer, and nothing here.
    return any(map(_is_own, pairs)) and not any(target.is_empty for _, target in pairs)


def claims(values: Sequence[DocumentValue]) -> bool:
    """Tell whether files that image-transfer reads as well are this tool's.

    A plain list of images reads the same for both, and so do their sign-ins; it is image-transfer's
    when one of the files is called as that tool calls it, or unless something in one of them is
    image-syncer's only.
    """
    return not any(map(is_named, values)) and any(map(needs_this_tool, values))


def _is_own(pair: tuple[str, DocumentValue]) -> bool:
    source, target = pair
    text = target.words()
    return source.endswith("/") or "@sha" in source or "," in text or has_variable(text)


def read(draft: ImportDraft, value: DocumentValue) -> None:
    """Take one file of the tool. Raises BadFile for what can't be one."""
    if is_combined(value):
        draft.unknown(value, _COMBINED)
        # The old file is read as it stands: no variables in it.
        read_secrets(draft, value.get("auth"))
        _images(draft, value.get("images"), expands=False)
    elif is_secrets(value):
        read_secrets(draft, value, expands=True)
    else:
        _images(draft, value, expands=True)


def _images(draft: ImportDraft, value: DocumentValue, *, expands: bool) -> None:
    for written, targets in value.mapping().items():
        at = replace(targets, path=written)
        each = targets.items if targets.items is not None else (targets,)
        named = [target for target in each if target.words().strip()]
        if not named:
            draft.left_out(at, "it has no target")
            continue
        try:
            source = source_name(written)
        except BadReference as error:
            draft.left_out(at, error.detail)
            continue
        for text in _once(draft, at, named):
            _copy(draft, replace(text, path=written), source, expands=expands)


def _once(
    draft: ImportDraft, at: DocumentValue, targets: Iterable[DocumentValue]
) -> Iterable[DocumentValue]:
    seen: dict[str, DocumentValue] = {}
    for target in targets:
        if target.words() in seen:
            draft.changed(at, "a target stands there twice; the plan has it once")
        seen.setdefault(target.words(), target)
    return seen.values()


def _copy(draft: ImportDraft, value: DocumentValue, source: SourceName, *, expands: bool) -> None:
    written = value.words().strip()
    if expands and has_variable(written):
        draft.left_out(
            value, f"the target {written!r} names a variable of the environment; write it out"
        )
        return
    try:
        target = source_name(written)
    except BadReference as error:
        draft.left_out(value, error.detail)
        return
    if target.registry == "docker.io" and "docker" not in written.partition("/")[0]:
        draft.to_do(
            value, f"the target {written!r} names no host, which means Docker Hub; is that meant?"
        )
    if source.digest:
        _digest(draft, value, source, target)
    elif source.expression:
        _expression(draft, value, source, target)
    elif not target.tags and not target.digest:
        draft.repository(value, source.whole, target.whole, TagFilter(exact=source.tags))
    elif target.digest or len(source.tags) != len(target.tags):
        draft.left_out(value, "source and target don't name the same number of tags")
    else:
        for old, new in zip(source.tags, target.tags, strict=True):
            draft.image(value, source.whole.at(old), target.whole.at(new))


def _digest(
    draft: ImportDraft, value: DocumentValue, source: SourceName, target: SourceName
) -> None:
    if target.tags or target.digest not in (None, source.digest):
        draft.left_out(value, "a digest goes to the same digest only")
        return
    draft.image(
        value,
        Reference(source.registry, source.repository, digest=source.digest),
        target.whole,
    )


def _expression(
    draft: ImportDraft, value: DocumentValue, source: SourceName, target: SourceName
) -> None:
    pattern = part_pattern(source.expression)
    if pattern is None:
        draft.left_out(value, "its regular expression means something else here, or nothing")
    elif target.tags or target.digest:
        draft.left_out(value, "tags that an expression finds can't be given new names")
    else:
        draft.repository(value, source.whole, target.whole, TagFilter(include=(pattern,)))


IMAGE_SYNCER = Importer("image-syncer", recognises, read, claims=claims)
