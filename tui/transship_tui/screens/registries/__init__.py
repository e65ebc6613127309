"""Registries: the accounts that the operator has added, a card for each, and the form for one."""
