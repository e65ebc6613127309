"""Transship in a terminal: the line commands."""
