"""Harbor's replication: endpoints, policies, and what they do.

In goes what is to be pushed, pulled or relayed (`filters.PolicySelection`), out comes a change set.
`HarborEngine` makes it and follows it. It takes a system administrator of Harbor, or a robot of the
system.

Read `replication` first: what would be made. Then `policy` (what a policy is set to) and `engine`
(who makes it).
"""
