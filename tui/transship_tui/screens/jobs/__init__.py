"""Jobs: the list, one job in full, what can be done with it, and undo."""
