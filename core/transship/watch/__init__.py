"""Keeps a plan in step: scans by a schedule, and at once what a registry says was pushed.

In go a plan, a schedule and, with a receiver, webhooks; out come jobs like any other, and a small
record of each watch. A registry that doesn't answer is left out and asked again; the rest goes on.

Read `watcher` first, then `scan`; `webhooks` has one form for each kind of sender.
"""
