"""The hosted services, a file for each: recognised, signed in to, listed, created in, deleted from.

A file makes one `Service` (see `transship.registry.service`), with what signing in asks. To add a
service is to add a file, and a line to `transship.plugins`; a plugin's has an entry point instead.
"""
