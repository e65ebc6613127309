"""What each way from one registry to another is called."""

from __future__ import annotations

from transship.plans.advice import Way

WORDS = {
    Way.COPY: "Copy once, through this machine",
    Way.SYNC: "Sync: copy by rules, again and again",
    Way.REPLICATION: "Replication: keep everything in step",
    Way.HARBOR: "A replication policy of Harbor",
    Way.TCR_REPLICATION: "A replica of the TCR instance",
    Way.TCR_SYNC: "Synchronisation rules of TCR",
}
