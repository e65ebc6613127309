"""Harbor's replication: endpoints, policies, and what they do.

`wishes` say what would be made for a push, a pull or a relay; `Harbor` makes it and follows it. It
takes a system administrator of Harbor, or a robot of the system.
"""

from transship.delegates.harbor.engine import Harbor
from transship.delegates.harbor.following import left_alone

__all__ = ["Harbor", "left_alone"]
