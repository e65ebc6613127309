"""Changing the record: read, shown, applied if it is what was expected, and put back."""
