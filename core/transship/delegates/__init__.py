"""Lets a server-side engine do the moving: one file or package per engine.

An engine is asked for what it would change (`changes.ChangeSet`), which is shown. What was agreed
to is made, read back and journalled (`making`, `journal`), and can be undone. What it then does by
itself is followed (`executions`).
"""
