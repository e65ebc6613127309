"""regsync: a YAML file with `creds`, `defaults` and steps under `sync`.

What a file sets beside its steps is told, where a plan has no word for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from transship.errors import BadPlatform, BadReference
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference
from transship.plans.importers.document import DocumentValue
from transship.plans.importers.draft import (
    ImportDraft,
    ImportedLogin,
    cron_schedule,
    go_duration,
    has_alternatives,
    image_of,
    interval_schedule,
    keep_login,
    names_prerelease,
    registry_of,
    version_range,
    whole_pattern,
)
from transship.plans.importers.importer import Importer
from transship.plans.plan import Limits, Rule, TagFilter
from transship.registry.credential import Tls

STEP_SETTINGS: Mapping[str, str] = {
    "backup": "a plan makes no backup tags; each job keeps what its tags pointed at before, "
    "and `transship undo` puts it back",
    "ratelimit": "a plan keeps no rest of a quota back; Transship waits when a registry says so",
    "mediaTypes": "a plan copies every media type; `artifacts` chooses by what it is",
    "hooks": "a plan runs no commands, and regsync ran none either",
    "fastCheck": "Transship always compares by digest first",
    "fastCopy": "Transship always compares by digest first, and sends what is missing only",
    "forceRecursive": "Transship looks into an image only when its digest differs; "
    "`transship verify --deep` looks into all",
    "includeExternal": "layers that are kept elsewhere aren't copied",
    "referrerFilters": "all referrers of an image go with it",
    "referrerSource": "referrers come from where the image is",
    "referrerTarget": "referrers go where the image goes",
    "referrerSlow": "Transship finds out how a registry keeps referrers",
}
"""What a step may set that a plan has no word for, and why that is."""

_DEFAULTS: Mapping[str, str] = {
    **STEP_SETTINGS,
    "parallel": "Transship adapts to each registry; `[limits.REGISTRY] concurrency` bounds it",
    "skipDockerConfig": "an account says where its password comes from: `transship login`",
    "cacheCount": "Transship keeps its own cache",
    "cacheTime": "Transship keeps its own cache",
    "blobLimit": "Transship bounds its memory by itself",
    "userAgent": "Transship says its own name to registries",
}
_KNOWN_DEFAULTS = (*_DEFAULTS, "interval", "schedule", "referrers", "digestTags")

_CREDS: Mapping[str, str] = {
    "token": "an identity token; sign in with `transship login`",
    "hostname": "a registry is asked at its own name",
    "pathPrefix": "a plan writes names out; put the prefix into `from` or `to`",
    "mirrors": "a registry is asked at its own name",
    "priority": "a registry is asked at its own name",
    "credHelper": "`transship login --from-docker` reads what docker's helpers keep",
    "credExpire": "Transship signs in again when a registry asks for it",
    "credHost": "a registry is signed in to at its own name",
    "repoAuth": "Transship signs in for each repository where that is needed",
    "reqPerSec": "Transship adapts to what a registry bears; `rate` bounds bytes",
    "blobChunk": "Transship knows the sizes that each service takes",
    "blobMax": "Transship knows the sizes that each service takes",
    "apiOpts": "Transship finds out what a registry can do",
    "api": "Transship finds out what a registry can do",
    "scheme": "old; `tls` says it",
}
_CERTIFICATES = ("regcert", "clientCert", "clientKey")
_KNOWN_CREDS = ("registry", "user", "pass", "tls", "reqConcurrent", *_CERTIFICATES, *_CREDS)


def has_template(text: str) -> bool:
    """Tell whether a text has a template in it, like `{{env "X"}}`."""
    return "{{" in text


def tell_settings(draft: ImportDraft, value: DocumentValue, settings: Mapping[str, str]) -> None:
    """Note each of `settings` that a mapping sets, and why the plan lacks it."""
    for key, why in settings.items():
        found = value.mapping().get(key)
        if found is not None and not found.is_empty and found.text not in ("false", "0"):
            draft.left_out(found, why)


def read_defaults(draft: ImportDraft, defaults: DocumentValue) -> None:
    """Take what holds for every step."""
    draft.unknown(defaults, _KNOWN_DEFAULTS)
    tell_settings(draft, defaults, _DEFAULTS)


def read_creds(draft: ImportDraft, creds: DocumentValue) -> None:
    """Take the sign-in and the limits of one registry."""
    draft.unknown(creds, _KNOWN_CREDS)
    name = creds.get("registry").words()
    if has_template(name):
        draft.left_out(creds, "the registry's name is a template, which isn't filled in")
        return
    try:
        host = registry_of(name)
    except BadReference as error:
        draft.left_out(creds, error.detail)
        return
    tell_settings(draft, creds, _CREDS)
    _concurrency(draft, creds.get("reqConcurrent"), host)
    for key in _CERTIFICATES:
        if not creds.get(key).is_empty:
            draft.to_do(
                creds.get(key),
                f"certificates belong to an account: `transship login {host} --ca FILE "
                "--client-cert FILE --client-key FILE`",
            )
    _sign_in(draft, creds, host)


def _concurrency(draft: ImportDraft, value: DocumentValue, host: str) -> None:
    if value.is_empty:
        return
    words = value.words()
    if not words.isascii() or not words.isdigit() or not 0 < int(words[:6]) <= 1000:
        draft.left_out(value, "not a number of requests")
        return
    draft.limit(value, host, Limits(concurrency=int(words)))


def _sign_in(draft: ImportDraft, creds: DocumentValue, host: str) -> None:
    protection = creds.get("tls").words("enabled")
    tls = Tls(plain_http=protection == "disabled", insecure=protection == "insecure")
    if tls != Tls():
        option = "--plain-http" if tls.plain_http else "--insecure"
        draft.to_do(
            creds.get("tls"),
            f"how a registry is reached belongs to an account: `transship login {host} {option}`",
        )
    user, secret = creds.get("user").words(), creds.get("pass").words()
    if has_template(user) or has_template(secret):
        draft.left_out(
            creds,
            f"the sign-in is a template, which isn't filled in; needs `transship login {host}`",
        )
        return
    keep_login(draft, creds, ImportedLogin(host, user, secret, tls=tls))


_TAG_KEYS = ("semverRange", "allow", "deny")
_STEP_KEYS = (
    "source", "target", "type", "tags", "tagSets", "repos", "platform", "platforms",
    "interval", "schedule", "referrers", "digestTags", *STEP_SETTINGS,
)  # fmt: skip


def recognises(value: DocumentValue) -> bool:
    """Tell whether a file is one of this tool's."""
    entries = value.entries or {}
    steps = entries.get("sync")
    return steps is not None and steps.items is not None


def read(draft: ImportDraft, value: DocumentValue) -> None:
    """Take a file of the tool. Raises BadFile for what can't be one."""
    anchors = [key for key in value.mapping() if key.startswith("x-")]
    draft.unknown(value, ("version", "creds", "defaults", "sync", *anchors))
    for creds in value.get("creds").sequence():
        read_creds(draft, creds)
    defaults = value.get("defaults")
    read_defaults(draft, defaults)
    for step in value.get("sync").sequence():
        draft.unknown(step, _STEP_KEYS)
        tell_settings(draft, step, STEP_SETTINGS)
        if _step(draft, step, defaults):
            _schedule(draft, step, defaults)
    if not draft.referrers:
        draft.changed(
            value,
            "regsync leaves signatures and other referrers behind unless told; the plan copies "
            "them (referrers = false leaves them)",
            entry="",
        )


def _step(draft: ImportDraft, step: DocumentValue, defaults: DocumentValue) -> bool:
    """Take a step; tell whether there is something of it in the plan."""
    source, target = step.get("source").words(), step.get("target").words()
    kind = step.get("type").words()
    if has_template(source) or has_template(target):
        draft.left_out(step, "it has a template in its source or target, which isn't filled in")
        return False
    if source.startswith("ocidir://") or target.startswith("ocidir://"):
        draft.left_out(
            step, "a rule has no OCI layout folders; `transship copy layout:PATH...` copies them"
        )
        return False
    platforms = _platforms(draft, step)
    if platforms is None:
        return False
    try:
        if kind == "image":
            _image(draft, step, image_of(source), image_of(target), platforms)
        elif kind == "repository":
            image, to = image_of(source), image_of(target)
            whole, to = image.at(""), to.at("")
            for tags in _tag_filters(draft, step):
                draft.repository(step, whole, to, tags, platforms)
        elif kind == "registry":
            _registry(draft, step, registry_of(source), registry_of(target), platforms)
        else:
            draft.left_out(step, "its type is none of image, repository and registry")
            return False
    except BadReference as error:
        draft.left_out(step, error.detail)
        return False
    asked = step.get("referrers") if "referrers" in step.mapping() else defaults.get("referrers")
    if not asked.is_empty:
        draft.referrers.add(asked.flag())
    return True


def _image(
    draft: ImportDraft,
    step: DocumentValue,
    source: Reference,
    target: Reference,
    platforms: tuple[Platform, ...],
) -> None:
    source = source if source.version else source.at("latest")
    target = target if target.version else target.at("latest")
    for key in ("tags", "tagSets", "repos"):
        if not step.get(key).is_empty:
            draft.left_out(step.get(key), "a step for one image doesn't choose")
    draft.image(step, source, target, platforms)


def _registry(
    draft: ImportDraft,
    step: DocumentValue,
    source: str,
    target: str,
    platforms: tuple[Platform, ...],
) -> None:
    repos = step.get("repos")
    draft.unknown(repos, ("allow", "deny"))
    allow = _patterns(draft, repos.get("allow"))
    deny = _patterns(draft, repos.get("deny"))
    if allow is None or deny is None:
        return
    for tags in _tag_filters(draft, step):
        draft.rule(
            step,
            Rule(
                Reference(source),
                (Reference(target),),
                repositories=(*(allow or ("**",)), *(f"!{pattern}" for pattern in deny)),
                tags=tags,
                platforms=platforms,
            ),
        )


def _tag_filters(draft: ImportDraft, step: DocumentValue) -> list[TagFilter]:
    """Return the filters of which any may select a tag."""
    sets = list(step.get("tagSets").sequence())
    if not step.get("tags").is_empty or not sets:
        sets.insert(0, step.get("tags"))
    filters: list[TagFilter] = []
    for each in sets:
        filters += _set(draft, each)
    return filters


def _set(draft: ImportDraft, value: DocumentValue) -> list[TagFilter]:
    draft.unknown(value, _TAG_KEYS)
    allow = _patterns(draft, value.get("allow"))
    deny = _patterns(draft, value.get("deny"))
    if allow is None or deny is None:
        return []
    tags = TagFilter(include=allow, exclude=deny)
    expressions = value.get("semverRange").texts()
    filters: list[TagFilter] = []
    for expression in expressions:
        wanted = version_range(expression)
        if wanted is None:
            draft.left_out(
                value.get("semverRange"), "a range of versions that can't be said in a plan"
            )
            continue
        filters.append(replace(tags, semver=wanted, prereleases=names_prerelease(wanted)))
    return filters if expressions else [tags]


def _patterns(draft: ImportDraft, value: DocumentValue) -> tuple[str, ...] | None:
    """Return the patterns for expressions; None, and a note, when one of them can't be said."""
    patterns: list[str] = []
    for expression in value.texts():
        pattern = whole_pattern(expression)
        if pattern is None:
            draft.left_out(
                value, "a regular expression means something else here, or nothing: the set is out"
            )
            return None
        if has_alternatives(expression):
            draft.changed(
                value,
                "regsync anchors only the first and the last of the alternatives; the plan "
                "anchors each",
            )
        patterns.append(pattern)
    return tuple(dict.fromkeys(patterns))


def _platforms(draft: ImportDraft, step: DocumentValue) -> tuple[Platform, ...] | None:
    """Return the platforms of a step; None, and a note, when it can't be copied for them."""
    words = [*step.get("platforms").texts()]
    if not step.get("platform").is_empty:
        words = [step.get("platform").words()]
    if "local" in words:
        draft.left_out(step, "the platform of the machine that regsync ran on isn't in the file")
        return None
    try:
        return tuple(dict.fromkeys(map(parse_platform, words)))
    except BadPlatform as error:
        draft.left_out(step, f"not a platform: {error.detail}")
        return None


def _schedule(draft: ImportDraft, step: DocumentValue, defaults: DocumentValue) -> None:
    cron, every = step.get("schedule"), step.get("interval")
    if cron.is_empty and every.is_empty:
        cron = defaults.get("schedule")
    if cron.is_empty and every.is_empty:
        every = defaults.get("interval")
    if not cron.is_empty:
        schedule = cron_schedule(cron.words())
        if schedule is None:
            draft.left_out(cron, "not a cron line that a plan takes", entry=f"{step.path}.schedule")
        draft.schedule(step, schedule)
        return
    schedule = interval_schedule(go_duration(every.words()))
    if schedule is None and not every.is_empty:
        draft.left_out(every, "not an interval that a plan takes", entry=f"{step.path}.interval")
    draft.schedule(step, schedule)


REGSYNC = Importer("regsync", recognises, read)
