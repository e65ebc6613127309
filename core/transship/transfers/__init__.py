"""Moves images: scanner -> inventory -> worklist -> executor -> journal; and proves what was moved.

In goes a plan and registries; out come a job folder with its journal, and what can be read from
it: the job view, a proof, an undo. The worklist is pure and is what the preview shows; the
executor does the same worklist. Blobs go before manifests, children before their index, the tag
last. The journal is all that a runner and whoever looks on share.

Read `worklist` first, then `executor` and `journal`.
"""
