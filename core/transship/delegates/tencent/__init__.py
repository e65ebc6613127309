"""TCR's own engines: rules that synchronise two instances, and replicas of one instance.

`sync_rules` and `replicas` say what would be made for a wish, from facts that are handed in.
`synchronising.SyncRules` and `replicating.Replicas` read those facts, make what was agreed to, and
follow it.
"""
