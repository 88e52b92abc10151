"""What generators add to Markdown: templates, shortcodes, components, and extensions of its syntax."""
