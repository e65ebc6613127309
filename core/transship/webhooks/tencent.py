"""What triggers of TCR send: Harbor's form, with the names of events of its first version.

https://www.tencentcloud.com/document/product/1051/37254
"""

from __future__ import annotations

from collections.abc import Mapping

from transship.webhooks.event import Action
from transship.webhooks.harbor import Notification

ACTIONS = {
    "pushImage": Action.PUSH,
    "uploadChart": Action.PUSH,
    "deleteImage": Action.DELETE,
    "deleteChart": Action.DELETE,
}


class Trigger(Notification, frozen=True):
    """What a trigger sends."""

    @property
    def actions(self) -> Mapping[str, Action]:
        """What each type says was done."""
        return ACTIONS
