"""Engines elsewhere: choosing one, its changes, delegations, and what TCR keeps beside images."""
