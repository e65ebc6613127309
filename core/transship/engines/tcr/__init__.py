"""What Tencent's TCR does by itself, asked through the cloud's API.

Rules that synchronise two instances (`sync_rules`), replicas of one instance (`replicas`), who gets
through to an instance (`network_access`), its custom domains (`domains`, `certificates`), and all
of a personal account to an instance in one go (`inventory`, `quick_transfer`). Each has a function
that plans a change set, and an engine that reads what is there and makes what was agreed to.

Read `api` first: how an instance is asked about. Then `sync_rules`.
"""
