"""Takes what registries send when something was pushed to them.

A room of its own, above `transfers`: it needs a web server, which nothing that moves images may
know, and what watches a plan only wants to hear which tags to look at.
"""
