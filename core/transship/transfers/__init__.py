"""Moves images: inventory, worklist, lanes, journal; and proves what was moved."""
