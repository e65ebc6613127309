"""Configurations of other tools, made into plans.

One module for each tool: whether a document is its, and the plan that it becomes, with a note for
each thing that a plan can't say. To add one, write a file that makes an `Importer` (see
`importer`), and a line in `transship.plugins`; a plugin's has an entry point instead.
"""
