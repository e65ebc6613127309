"""Which service answers at a host whose name doesn't tell, by the challenge of its `/v2/`. Pure.

Only what is asked anyway is looked at: no request is made for it, and nothing is sent that a
registry of another kind would wonder about. What is found is proposed, never taken for certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from transship.registries.challenge import Challenge, parse_challenges
from transship.registries.services.service import Greeting, Service


def recognised(host: str, challenges: Iterable[str], services: Iterable[Service]) -> Service | None:
    """Return the service whose greeting this is, or None.

    `challenges` are the WWW-Authenticate fields of the answer, `host` is the registry's
    `host[:port]`.
    """
    offered = parse_challenges(challenges)
    for service in services:
        greeting = service.greeting
        if greeting and any(_is(greeting, challenge, host) for challenge in offered):
            return service
    return None


def _is(greeting: Greeting, challenge: Challenge, host: str) -> bool:
    wanted = greeting.service.replace("{host}", re.escape(host))
    return (
        challenge.scheme == "bearer"
        and re.fullmatch(greeting.realm, urlsplit(challenge.realm).path) is not None
        and re.fullmatch(wanted, challenge.service) is not None
    )
