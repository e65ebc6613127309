"""What a regsync file sets beside its steps, and what of it a plan has no word for."""

from __future__ import annotations

from collections.abc import Mapping

from transship.errors import BadReference
from transship.plans.importers.document import Value
from transship.plans.importers.draft import Draft, Login
from transship.plans.importers.names import registry_of
from transship.plans.importers.signing_in import keep_login
from transship.plans.policy import Limits
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


def tell_settings(draft: Draft, value: Value, settings: Mapping[str, str]) -> None:
    """Note each of `settings` that a mapping sets, and why the plan lacks it."""
    for key, why in settings.items():
        found = value.mapping().get(key)
        if found is not None and not found.is_empty and found.text not in ("false", "0"):
            draft.left_out(found, why)


def read_defaults(draft: Draft, defaults: Value) -> None:
    """Take what holds for every step."""
    draft.unknown(defaults, _KNOWN_DEFAULTS)
    tell_settings(draft, defaults, _DEFAULTS)


def read_creds(draft: Draft, creds: Value) -> None:
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


def _concurrency(draft: Draft, value: Value, host: str) -> None:
    if value.is_empty:
        return
    words = value.words()
    if not words.isascii() or not words.isdigit() or not 0 < int(words[:6]) <= 1000:
        draft.left_out(value, "not a number of requests")
        return
    draft.limit(value, host, Limits(concurrency=int(words)))


def _sign_in(draft: Draft, creds: Value, host: str) -> None:
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
    keep_login(draft, creds, Login(host, user, secret, tls=tls))
