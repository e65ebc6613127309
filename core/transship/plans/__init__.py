"""What should move where: a plan, as a TOML file that a person can read, diff and commit.

In go a file, or rules that a screen makes; out come a `Plan`, what its rules select from a
catalogue of what is there (`select_tags`, pure), and where each tag goes. Nothing here asks a
registry.

Read `plan` first, then `selection` (where it is decided that a tag is skipped) and `file`;
`importers` makes plans of other tools' files, one file for each tool.
"""
