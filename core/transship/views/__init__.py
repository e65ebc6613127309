"""Views: what things look like in words and numbers, for whoever shows them.

In goes state as the core keeps it, out come frozen rows and sentences. Everything is pure: no
clock of its own, no input, no output. Screens, line commands and plain mode show the same views.
"""
