"""Cutover: the domains that are being moved, one of them in full, and the form for one."""
