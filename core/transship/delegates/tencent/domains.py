"""What can be wished of the custom domains of an instance of TCR, and waiting until one works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from transship import errors
from transship.clock import Clock
from transship.delegates.changes import Change, ChangeSet, change_to
from transship.delegates.tencent.certificates import called
from transship.delegates.tencent.domain_words import (
    LONG_SECONDS,
    OUTAGE,
    Certificate,
    CustomDomain,
    day_of,
    domain_words,
    loss_of,
)
from transship.delegates.tencent.domains_engine import CERTIFICATE, CUSTOM_DOMAIN, KINDS, Domains
from transship.delegates.tencent.uploads import Upload, read_upload
from transship.errors import TransshipError
from transship.oci.reference import parse_host
from transship.registry.attachment import Attached

__all__ = ["KINDS", "Domains", "Watched", "read_upload", "waited", "wish"]

_MOST_NAMED = 5
_FILING = "a domain without an ICP filing is refused there, and filing takes days to weeks."
_NOT_SEEN = (errors.CloudRefused, errors.NoRight, errors.ListIncomplete, errors.ServerFailed)


@dataclass(frozen=True, slots=True)
class Watched:
    """How a domain was at a moment of being waited for: None when it isn't there.

    `waited` is in seconds, `words` says in sentences how it is.
    """

    domain: CustomDomain | None
    waited: float
    words: str

    @property
    def is_over(self) -> bool:
        """Whether it won't change by itself any more."""
        return self.domain is None or self.domain.state in (Attached.WORKS, Attached.FAILED)


async def waited(
    domains: Domains, name: str, clock: Clock, *, every: float = 5.0, within: float = 900.0
) -> AsyncIterator[Watched]:
    """Give how a domain is each time that there is something new to say, until it is over.

    It is asked for every `every` seconds, and given up `within` so many, which the last one that is
    given then shows (`is_over` is false). Asking that fails for a while is gone on with; what it
    last came to is raised at the end.
    """
    begun = clock.monotonic()
    last = ""
    while True:
        passed = clock.monotonic() - begun
        failure: TransshipError | None = None
        try:
            domain = await domains.domain(name)
        except TransshipError as error:
            if not error.retryable:
                raise
            failure = error
        else:
            words = domain_words(domain, passed) if domain else f"{name} isn't at the instance."
            seen = Watched(domain, passed, words)
            if _plain(seen) != last:
                last = _plain(seen)
                yield seen
            if seen.is_over:
                return
        if passed >= within:
            if failure is not None:
                raise failure
            yield seen
            return
        await clock.sleep(every)


async def wish(
    domains: Domains,
    name: str,
    *,
    certificate: str = "",
    upload: Upload | None = None,
    remove: bool = False,
) -> ChangeSet:
    """Return what would be changed so that a domain is there, or with `remove` isn't.

    It is attached with the `certificate` of this id, or with one that is uploaded; with neither it
    is refused, and the refusal says which ones would do. The engine that makes it has to have the
    upload: `Domains.with_upload`. Raises BadDomain, and what stands in the way of asking.
    """
    domain = _domain_of(name)
    there = await domains.domain(domain)
    if remove:
        return await _removal(domains, domain, there)
    purpose = f"attach {domain}"
    if (upload is None) == (not certificate):
        return await _unchosen(domains, domain, purpose, both=bool(certificate))
    notes: list[str] = []
    changes: list[Change] = []
    if upload is not None:
        chosen = upload.certificate
        known = await domains.certificates.find(upload.alias)
        changes.append(_uploading(upload, known))
        if upload.alone:
            notes.append(
                "No certificate above the server's own came with it: container runtimes may not "
                "accept it. Put those into the file too, in order."
            )
    else:
        found, unseen = await _seen(domains, certificate)
        if unseen:
            notes.append(unseen)
        elif found is None:
            refusal = errors.CantBeDelegated(
                f"the account has no server certificate {certificate}",
                remedy="Choose one that it has, or upload one.",
            )
            return ChangeSet(domains.name, purpose, refusals=(refusal,))
        chosen = found or Certificate(certificate, "", (domain,), None, 1)
    if fault := chosen.fault(domain, domains.now()):
        refusal = errors.CantBeDelegated(fault, remedy="Choose a certificate that holds.")
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    return await _attaching(domains, domain, there, chosen, changes, notes)


async def _attaching(
    domains: Domains,
    name: str,
    there: CustomDomain | None,
    chosen: Certificate,
    changes: list[Change],
    notes: list[str],
) -> ChangeSet:
    purpose = f"attach {name}"
    found = await domains.read(CUSTOM_DOMAIN, name)
    before = found.settings if found else None
    after = {"Certificate": called(chosen)}
    warns = (OUTAGE,) if before is not None else ()
    change = change_to(CUSTOM_DOMAIN, name, before, after, warns=warns, anew=True)
    if there is not None and there.state is Attached.FAILED and before == after:
        refusal = errors.CantBeDelegated(
            f"{name} is at the instance with this certificate, and failed ({there.said})",
            remedy="Remove it first; then add it again, better with another certificate.",
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    if there is not None:
        notes.append(domain_words(there))
    if chosen.expires is not None:
        notes.append(f"The certificate ends {day_of(chosen.expires)}. TCR doesn't renew it.")
    if domains.mainland is not False and there is None:
        known = "The instance stands in mainland China:"
        unknown = "Where the instance stands in mainland China,"
        notes.append(f"{known if domains.mainland else unknown} {_FILING}")
    notes.append(
        "It takes 1 to 2 minutes until it works. DNS isn't changed by it: nobody is led there yet."
    )
    return ChangeSet(domains.name, purpose, (*changes, change), tuple(notes))


async def _removal(domains: Domains, name: str, there: CustomDomain | None) -> ChangeSet:
    purpose = f"remove {name}"
    if there is None:
        refusal = errors.CantBeDelegated(
            f"the instance has no custom domain {name}", remedy="Look at its domains again."
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    if there.state is Attached.GOING:
        return ChangeSet(domains.name, purpose, notes=(domain_words(there),))
    found = await domains.read(CUSTOM_DOMAIN, name)
    before = found.settings if found else {"Certificate": there.certificate}
    change = change_to(CUSTOM_DOMAIN, name, before, None, warns=(loss_of(name),))
    return ChangeSet(domains.name, purpose, (change,), (domain_words(there),))


def _uploading(upload: Upload, known: Certificate | None) -> Change:
    settings = {"Alias": upload.alias}
    before = None if known is None else settings
    names = ", ".join(upload.certificate.names)
    warns = (
        f"The SSL service is handed the certificate for {names} with its private key, and keeps "
        "both.",
    )
    return change_to(CERTIFICATE, upload.alias, before, settings, warns=warns)


async def _unchosen(domains: Domains, name: str, purpose: str, *, both: bool) -> ChangeSet:
    """Return the refusal that says what there is to choose from."""
    if both:
        refusal = errors.CantBeDelegated(
            "both a certificate and an upload are named", remedy="Name one of them."
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    try:
        found = await domains.certificates.covering(name, domains.now())
    except _NOT_SEEN as error:
        remedy = f"Name the id of one yourself, or upload one. It can't be looked for: {error}"
    else:
        more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        shown = "; ".join(map(str, found[:_MOST_NAMED])) + more
        remedy = (
            f"Choose one of {shown}."
            if found
            else "The account has none that is issued and for this name: upload one."
        )
    refusal = errors.CantBeDelegated(f"{name} needs a certificate", remedy=remedy)
    return ChangeSet(domains.name, purpose, refusals=(refusal,))


async def _seen(domains: Domains, named: str) -> tuple[Certificate | None, str]:
    """Return a certificate, and in a sentence why it can't be seen where that is so."""
    try:
        return await domains.certificates.find(named), ""
    except _NOT_SEEN as error:
        return None, f"Whether the certificate {named} holds couldn't be asked for: {error}"


def _domain_of(name: str) -> str:
    try:
        domain = parse_host(name.strip().rstrip("."))
    except errors.BadReference as error:
        raise errors.BadDomain(error.detail) from None
    if ":" in domain or "[" in domain:
        raise errors.BadDomain(f"{name!r} has a port or is an address")
    return domain


def _plain(seen: Watched) -> str:
    """Return what makes one look another than the last, without how long it took."""
    if seen.domain is None:
        return seen.words
    return f"{seen.domain} {seen.waited >= LONG_SECONDS}"
