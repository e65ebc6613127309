"""Plan: the list of plans, the editor, the preview, drift, the board of a flow, and advice."""
