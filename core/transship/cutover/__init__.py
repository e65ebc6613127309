"""Moves the name: observations, findings, timeline, the change, the watch, the way back."""
