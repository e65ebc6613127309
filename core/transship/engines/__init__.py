"""Lets a server-side engine do the moving: Harbor's replication, and TCR's own.

In goes a plan, and who is to move it; out comes a change set (`changes.ChangeSet`): what would be
made at the engine, and what is in the way. It is shown. What was agreed to is made, read back and
journalled, and can be reverted. What the engine then does by itself is followed (`executions`).

Read `changes` first: the change set, its journal, and the `Engine` protocol that every engine fills
in. Then `choice` (which engine could do it), `filters` (rules of a plan in an engine's words) and
`delegation` (from a plan to the engine and back). Each engine is a package: `harbor`, `tcr`.
"""
