"""Cutovers to judge: evidence as observers make it, clean, and then with one thing wrong."""
