"""CHECK the HTML part: structure, styles, pictures, links, type, contrast, support."""
