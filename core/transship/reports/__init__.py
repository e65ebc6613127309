"""Reports: what was moved and how it was proven, as one document that can be handed on.

In goes the state of a job or of a cutover, as its journal tells it. Out comes a model of plain
data, and from that Markdown, HTML or JSON. Nothing here asks a registry or a name server.

Read `cutover` first: the words, the document and its forms.
"""
