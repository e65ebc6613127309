"""What to know before something that was made at an engine is taken back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from transship.delegates.changes import Change, Does
from transship.delegates.harbor.settings import POLICY
from transship.delegates.tencent.domain_words import OUTAGE, loss_of
from transship.delegates.tencent.domains_engine import CERTIFICATE, CUSTOM_DOMAIN
from transship.delegates.tencent.network_access import (
    NOBODY_YET,
    SHUTS_OUT,
    cautions,
    loss_of_block,
    loss_of_link,
    loss_of_record,
)
from transship.delegates.tencent.network_engine import (
    ALLOWED_ADDRESS,
    PRIVATE_RECORD,
    PUBLIC_ENDPOINT,
    VPC_LINK,
    split_link,
)
from transship.delegates.tencent.quick.spaces import NAMESPACE, REPOSITORY
from transship.delegates.tencent.replicas import REPLICA, losses_in
from transship.delegates.tencent.rules import FORGETS, RULE

_KEEPS_IMAGES = "If it holds images by then it stays, and nothing more is taken back."
_KEEPS_USED = "If something of the account uses it by then it stays."


def losses(change: Change) -> tuple[str, ...]:
    """Return, in sentences, what to know before a change that was made is taken back."""
    say = _SENTENCES.get((change.kind, change.does))
    return () if say is None else say(change)


def _of_endpoint(change: Change) -> tuple[str, ...]:
    was_opened = bool((change.after or {}).get("Open"))
    return (SHUTS_OUT,) if was_opened else (NOBODY_YET,)


_SENTENCES: Mapping[tuple[str, Does], Callable[[Change], tuple[str, ...]]] = {
    (POLICY, Does.CREATE): lambda _: (FORGETS,),
    (RULE, Does.CREATE): lambda _: (FORGETS,),
    (REPLICA, Does.CREATE): lambda change: losses_in(change.name),
    (NAMESPACE, Does.CREATE): lambda _: (_KEEPS_IMAGES,),
    (REPOSITORY, Does.CREATE): lambda _: (_KEEPS_IMAGES,),
    (PUBLIC_ENDPOINT, Does.CHANGE): _of_endpoint,
    (ALLOWED_ADDRESS, Does.CREATE): lambda change: (loss_of_block(change.name),),
    (ALLOWED_ADDRESS, Does.DELETE): lambda change: cautions(change.name),
    (VPC_LINK, Does.CREATE): lambda change: (loss_of_link(split_link(change.name)[0]),),
    (PRIVATE_RECORD, Does.CREATE): lambda change: (loss_of_record(change.name),),
    (CERTIFICATE, Does.CREATE): lambda _: (_KEEPS_USED,),
    (CUSTOM_DOMAIN, Does.CREATE): lambda change: (loss_of(change.name),),
    (CUSTOM_DOMAIN, Does.CHANGE): lambda _: (OUTAGE,),
}
