"""What TCR's refusals mean where it is asked to move images, in words. Pure."""

from __future__ import annotations

from transship import errors
from transship.errors import TransshipError

_EXISTS = "InvalidParameter.ReplicationExists"
_MAKES_REPLICA = "CreateReplicationInstance"
_NOT_SO = (
    "UnsupportedOperation",
    "InvalidParameter.UnsupportedRegion",
    "FailedOperation.ValidateSupportedRegionFail",
)
_BY_LANES = "or let Transship move it"


def explained(error: TransshipError, secret: str = "") -> TransshipError:
    """Return the error that says what a refusal means; the same one where that isn't known.

    Of `secret`, which the API was handed, nothing is in it, even where the API repeats it.
    """
    detail = error.detail.replace(secret, "…") if secret else error.detail
    words = detail.lower()
    code = error.code if isinstance(error, errors.CloudRefused) else ""
    if "slave region" in words:
        return errors.EngineRefused(
            f"{detail}: rules are kept and asked for in the region of their source, and this was "
            f"asked for where the other instance, or a replica, is",
            remedy="Name the instance that the images come from as the source.",
        )
    if code == _EXISTS and detail.startswith(_MAKES_REPLICA):
        return errors.AlreadyThere(
            f"{detail}: the instance has a replica in that region already",
            remedy="List its replicas; one that is being deleted has to be gone first.",
        )
    if code == _EXISTS:
        return errors.AlreadyThere(
            f"{detail}: the instance has a rule of this name already, or one from the same to the "
            f"same",
            remedy="List its rules; change or delete that one, or choose another name.",
        )
    if detail.startswith(_MAKES_REPLICA) and code in _NOT_SO:
        return errors.CantBeDelegated(
            detail, remedy="Let TCR synchronise two instances by rules instead."
        )
    if "standard and premium" in words:
        return errors.CantBeDelegated(
            f"{detail}: the basic edition has no rules",
            remedy=f"Upgrade the instance to the standard or premium edition, {_BY_LANES}.",
        )
    if "replication rule first" in words:
        return errors.EngineRefused(detail, remedy="Delete its sync rules, then the instance.")
    if detail == error.detail:
        return error
    return errors.EngineRefused(detail, remedy=error.remedy)
