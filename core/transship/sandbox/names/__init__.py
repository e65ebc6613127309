"""A small DNS of the sandbox's own: name servers of a few zones, and resolvers in front of them."""
