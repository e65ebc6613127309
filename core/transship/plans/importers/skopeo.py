"""skopeo sync: a YAML file of sources. The target is an argument of the command, not in the file.

`images` names tags and digests of each repository (none: all tags), `images-by-tag-regex` and
`images-by-semver` select them.
"""

from __future__ import annotations

from dataclasses import replace

from transship.errors import BadReference, BadRequest
from transship.oci.digest import Digest, is_digest
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.importers.document import DocumentValue
from transship.plans.importers.draft import (
    ImportDraft,
    ImportedLogin,
    image_of,
    keep_login,
    names_prerelease,
    part_pattern,
    registry_of,
    version_range,
)
from transship.plans.importers.importer import Importer
from transship.plans.plan import Rule, TagFilter
from transship.registry.credential import Tls

_IMAGES = ("images", "images-by-tag-regex", "images-by-semver")
_KEYS = (*_IMAGES, "credentials", "tls-verify", "cert-dir")


def recognises(value: DocumentValue) -> bool:
    """Tell whether a file is one of this tool's."""
    entries = value.entries or {}
    return bool(entries) and all(
        each.entries is not None and each.entries.keys() & set(_KEYS) for each in entries.values()
    )


def read(draft: ImportDraft, value: DocumentValue) -> None:
    """Take a file of the tool.

    Raises BadFile for what can't be one, and BadRequest when there is no target.
    """
    if draft.to is None:
        raise BadRequest(
            "A file of skopeo sync doesn't say where its images go",
            remedy="Say it with --to HOST[/PATH], as you said it to skopeo.",
        )
    for name, registry in value.mapping().items():
        try:
            host = registry_of(name)
        except BadReference as error:
            draft.left_out(registry, error.detail)
            continue
        draft.unknown(registry, _KEYS)
        _signing_in(draft, registry, host)
        for repository, tags in registry.get("images").mapping().items():
            _named(draft, host, repository, tags, draft.to)
        for repository, expression in registry.get("images-by-tag-regex").mapping().items():
            _matching(draft, host, repository, expression, draft.to)
        for repository, versions in registry.get("images-by-semver").mapping().items():
            _versions(draft, host, repository, versions, draft.to)
        if not any(registry.get(key).mapping() for key in _IMAGES):
            draft.left_out(registry, "it names no images")
    draft.changed(
        value,
        "skopeo without --all copies the platform of its own machine only; the plan copies every "
        "platform (write `platforms` into it for some)",
        entry="",
    )
    draft.changed(
        value,
        "skopeo without --scoped keeps the last part of each name, and so does the plan; for "
        'names as --scoped makes them write map = "{registry}/{repository}"',
        entry="",
    )


def _signing_in(draft: ImportDraft, registry: DocumentValue, host: str) -> None:
    credentials = registry.get("credentials")
    draft.unknown(credentials, ("username", "password"))
    verify = registry.get("tls-verify").flag(default=True)
    if not verify:
        draft.to_do(
            registry.get("tls-verify"),
            f"certificates weren't verified; `transship login {host} --insecure` (or "
            "--plain-http) says it again",
        )
    if registry.get("cert-dir").words():
        draft.to_do(
            registry.get("cert-dir"),
            f"certificates belong to an account: `transship login {host} --ca FILE "
            "--client-cert FILE --client-key FILE`",
        )
    user, secret = credentials.get("username").words(), credentials.get("password").words()
    keep_login(draft, credentials, ImportedLogin(host, user, secret, tls=Tls(insecure=not verify)))


def _named(draft: ImportDraft, host: str, name: str, value: DocumentValue, to: Reference) -> None:
    exact: list[str] = []
    digests: list[Digest] = []
    for item in value.sequence():
        word = item.words()
        if is_digest(word):
            digests.append(Digest(word))
        elif is_tag(word):
            exact.append(word)
        else:
            draft.left_out(item, "neither a tag nor a digest")
    if value.sequence() and not exact and not digests:
        return
    _rule(
        draft,
        host,
        name,
        value,
        TagFilter(exact=tuple(dict.fromkeys(exact)), digests=tuple(dict.fromkeys(digests))),
        to,
    )


def _matching(
    draft: ImportDraft, host: str, name: str, value: DocumentValue, to: Reference
) -> None:
    pattern = part_pattern(value.words())
    if pattern is None:
        draft.left_out(value, "the regular expression means something else here, or nothing")
        return
    _rule(draft, host, name, value, TagFilter(include=(pattern,)), to)


def _versions(
    draft: ImportDraft, host: str, name: str, value: DocumentValue, to: Reference
) -> None:
    wanted = version_range(value.words())
    if wanted is None:
        draft.left_out(value, "the range of versions can't be said in a plan")
        return
    tags = TagFilter(semver=wanted, prereleases=names_prerelease(wanted))
    _rule(draft, host, name, value, tags, to)


def _rule(
    draft: ImportDraft, host: str, name: str, value: DocumentValue, tags: TagFilter, to: Reference
) -> None:
    try:
        source = image_of(f"{host}/{name}")
    except BadReference as error:
        draft.left_out(value, error.detail)
        return
    if source.version or not is_repository(source.repository):
        draft.left_out(value, "a name with a tag in it, which skopeo leaves out too")
        return
    draft.rule(
        value,
        Rule(
            replace(source, repository=""),
            (to,),
            repositories=(source.repository,),
            tags=tags,
            map="{name}",
        ),
    )


SKOPEO = Importer("skopeo", recognises, read, takes_target=True)
