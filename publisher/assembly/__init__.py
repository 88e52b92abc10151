"""ASSEMBLE: select the articles of due issues, render their digests, check and freeze them."""
