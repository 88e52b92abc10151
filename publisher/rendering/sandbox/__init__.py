"""Rendering with a publication's own templates, in a process of its own with limits."""
